-- Patients seen or heard of after the day of that operation.
with contacts as (
    select study_id, event_date as contact_date from {{ ref('stg_follow_up_events') }}
    union all
    select study_id, last_contact_date from {{ ref('stg_vital_status') }}
    union all
    select study_id, death_date from {{ ref('stg_vital_status') }}
)

select distinct contacts.study_id
from contacts
inner join {{ ref('first_curative_hepatectomies') }} as operations
    on contacts.study_id = operations.study_id and contacts.contact_date > operations.operation_date
