-- Patients of the cohort and endpoints that their hospital's records cannot tell, with the hospital's reason, or ours.
with limits as (
    select source_system, endpoint, reason from {{ source('raw', 'not_derivable_endpoints') }}
),

deaths_without_cause as (
    select hospitals.source_system, definitions.endpoint, 'too many deaths without a stated cause' as reason
    from {{ ref('hospitals_without_causes_of_death') }} as hospitals
    inner join {{ ref('endpoint_definitions') }} as definitions
        on definitions.milestone = 'death_of_unknown_cause' and definitions.role = 'unsettled'
    left join limits on hospitals.source_system = limits.source_system and definitions.endpoint = limits.endpoint
    where limits.source_system is null
),

endpoints_that_need_a_site as (
    select distinct endpoint from {{ ref('endpoint_definitions') }}
    where needs_site
),

recurrences_without_site as (
    select hospitals.source_system, definitions.endpoint, 'too many recurrences without a site' as reason
    from {{ ref('hospitals_by_recurrence_sites') }} as hospitals
    cross join endpoints_that_need_a_site as definitions
    left join limits on hospitals.source_system = limits.source_system and definitions.endpoint = limits.endpoint
    where limits.source_system is null and hospitals.is_too_many
),

all_limits as (
    select * from limits
    union all
    select * from recurrences_without_site
    union all
    select * from deaths_without_cause
)

select operations.study_id, all_limits.endpoint, all_limits.reason, operations.source_system
from {{ ref('index_operations') }} as operations
inner join all_limits on operations.source_system = all_limits.source_system
