-- Patients of the cohort and endpoints that their hospital's records cannot tell, with the hospital's reason.
select operations.study_id, limits.endpoint, limits.reason, operations.source_system
from {{ ref('index_operations') }} as operations
inner join {{ source('raw', 'not_derivable_endpoints') }} as limits on operations.source_system = limits.source_system
