-- Between which looks each patient's event of a recurrence endpoint lies: the last look before the one that found it, and that.
with looks as (
    select distinct study_id, event_date from {{ ref('disease_assessments') }}
),

recurrence_endpoints as (
    select endpoint from {{ ref('endpoint_definitions') }}
    where origin = 'index_operation' and milestone = 'last_disease_assessment'
)

select
    times.study_id,
    times.endpoint,
    cast(
        case
            when times.event_code = 1
                then coalesce(
                    max(
                        case
                            when {{ crlm_days_between('operations.index_operation_date', 'looks.event_date') }} < times.time_days
                                then {{ crlm_days_between('operations.index_operation_date', 'looks.event_date') }}
                        end
                    ),
                    0
                )
            else times.time_days
        end as integer
    ) as clear_until_days,
    cast(case when times.event_code = 1 then times.time_days end as integer) as found_by_days
from {{ ref('time_to_event') }} as times
inner join {{ ref('index_operations') }} as operations on times.study_id = operations.study_id
left join looks on times.study_id = looks.study_id
where times.endpoint in (select recurrence_endpoints.endpoint from recurrence_endpoints)
group by times.study_id, times.endpoint, times.event_code, times.time_days
