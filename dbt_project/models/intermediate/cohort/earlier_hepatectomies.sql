-- Patients whose liver had been resected before that operation, for whatever reason: it is not their first hepatectomy.
select distinct operations.study_id
from {{ ref('stg_registry_operations') }} as operations
inner join {{ ref('first_curative_hepatectomies') }} as first_operations
    on operations.study_id = first_operations.study_id
    and operations.operation_date < first_operations.operation_date
