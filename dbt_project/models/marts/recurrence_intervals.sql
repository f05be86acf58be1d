-- Between which looks each patient's event of a recurrence endpoint lies: the last look before the one that found it, and that.
with times as (
    select times.study_id, times.endpoint, times.event_code, times.time_days, operations.index_operation_date
    from {{ ref('time_to_event') }} as times
    inner join {{ ref('index_operations') }} as operations on times.study_id = operations.study_id
    inner join {{ ref('endpoint_definitions') }} as endpoints on times.endpoint = endpoints.endpoint
    where endpoints.origin = 'index_operation' and endpoints.milestone = 'last_disease_assessment'
),

-- endpoints share the day on which a recurrence was found
found_by as (
    select distinct study_id, index_operation_date, time_days from times where event_code = 1
),

looks_before as (
    select
        found_by.study_id,
        found_by.time_days,
        max({{ crlm_days_between('found_by.index_operation_date', 'looks.event_date') }}) as last_look_days
    from found_by
    inner join {{ ref('disease_assessments') }} as looks on found_by.study_id = looks.study_id
    where {{ crlm_days_between('found_by.index_operation_date', 'looks.event_date') }} < found_by.time_days
    group by found_by.study_id, found_by.time_days
)

select
    times.study_id,
    times.endpoint,
    cast(
        case when times.event_code = 1 then coalesce(looks_before.last_look_days, 0) else times.time_days end as integer
    ) as clear_until_days,
    cast(case when times.event_code = 1 then times.time_days end as integer) as found_by_days
from times
left join looks_before on times.study_id = looks_before.study_id and times.time_days = looks_before.time_days
