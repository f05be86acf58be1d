-- Patients whose salvage marts.first_recurrences and marts.time_to_event tell differently - of whom they speak, whether, and when -
-- in each endpoint from first recurrence whose definition names salvage as its event.
with endpoints as (
    select
        endpoint,
        -- the smallest priority wins a day on which several things happen
        min(case when milestone = 'salvage' then priority end) = min(priority) as salvage_wins_its_day
    from {{ ref('endpoint_definitions') }}
    where origin = 'recurrence' and role <> 'censor'
    group by endpoint
    having count(case when role = 'event' and milestone = 'salvage' then 1 end) > 0
),

recurred as (
    select
        patients.study_id,
        endpoints.endpoint,
        endpoints.salvage_wins_its_day,
        patients.has_salvage,
        patients.salvage_days - patients.recurrence_days as days_to_salvage
    from {{ ref('first_recurrences') }} as patients
    cross join endpoints
),

times as (
    select times.study_id, times.endpoint, times.time_days, times.event_code, times.end_reason
    from {{ ref('time_to_event') }} as times
    inner join endpoints on times.endpoint = endpoints.endpoint
),

reasons as (
    select study_id, endpoint from {{ ref('endpoints_without_time') }}
)

select coalesce(recurred.study_id, times.study_id) as study_id, coalesce(recurred.endpoint, times.endpoint) as endpoint
from recurred
full outer join times on recurred.study_id = times.study_id and recurred.endpoint = times.endpoint
left join reasons on recurred.study_id = reasons.study_id and recurred.endpoint = reasons.endpoint
where
    recurred.study_id is null
    or (times.study_id is null and reasons.study_id is null)
    or (recurred.has_salvage and times.study_id is null)
    or (times.study_id is not null and recurred.has_salvage is null)
    -- who is salvaged by the end is salvaged in both, that day
    or (times.end_reason = 'event: salvage' and (not recurred.has_salvage or times.time_days <> recurred.days_to_salvage))
    -- who is salvaged is followed until then, or until another event or competing event of the definition
    or (
        recurred.has_salvage and times.end_reason <> 'event: salvage'
        and (
            times.event_code = 0
            or times.time_days > recurred.days_to_salvage
            or (times.time_days = recurred.days_to_salvage and recurred.salvage_wins_its_day)
        )
    )
