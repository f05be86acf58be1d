-- Patients of the cohort and milestones that their hospital's records cannot tell: each is the one event of an endpoint that is not
-- derivable. Of an endpoint with several events it is not said which of them is not told.
with only_events as (
    select endpoint, min(milestone) as milestone
    from {{ ref('endpoint_definitions') }}
    where role = 'event'
    group by endpoint
    having count(*) = 1
)

select limits.study_id, only_events.milestone, min(limits.reason) as reason
from {{ ref('underivable_patient_endpoints') }} as limits
inner join only_events on limits.endpoint = only_events.endpoint
group by limits.study_id, only_events.milestone
