-- Patients whose salvage marts.first_recurrences and marts.time_to_event tell differently: of whom they speak, whether, and when.
with times as (
    select * from {{ ref('time_to_event') }}
    where endpoint = 'salvage'
),

reasons as (
    select * from {{ ref('endpoints_without_time') }}
    where endpoint = 'salvage'
)

select coalesce(first_recurrences.study_id, times.study_id) as study_id
from {{ ref('first_recurrences') }} as first_recurrences
full outer join times on first_recurrences.study_id = times.study_id
left join reasons on first_recurrences.study_id = reasons.study_id
where
    first_recurrences.study_id is null
    or (times.study_id is null and reasons.study_id is null)
    or (times.study_id is not null and first_recurrences.has_salvage is distinct from (times.event_code = 1))
    or (times.event_code = 1 and first_recurrences.salvage_days <> first_recurrences.recurrence_days + times.time_days)
    or (first_recurrences.has_salvage and times.study_id is null)
