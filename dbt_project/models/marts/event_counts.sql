-- Patients collapsed to counts: all that curves and tests need, exactly.
with grouped as (
    select times.endpoint, times.time_days, times.event_code, 'overall' as grouping, 'all' as stratum
    from {{ ref('time_to_event') }} as times
    {% for grouping in event_count_groupings() %}
    union all
    select
        times.endpoint,
        times.time_days,
        times.event_code,
        '{{ grouping }}',
        coalesce(cast(operations.{{ grouping }} as varchar), 'unknown')
    from {{ ref('time_to_event') }} as times
    inner join {{ ref('published_index_operations') }} as operations on times.study_id = operations.study_id
    {% endfor %}
)

select
    endpoint,
    grouping,
    stratum,
    time_days,
    count(case when event_code = 1 then 1 end) as n_event,
    count(case when event_code = 2 then 1 end) as n_competing,
    count(case when event_code = 0 then 1 end) as n_censored
from grouped
group by endpoint, grouping, stratum, time_days
