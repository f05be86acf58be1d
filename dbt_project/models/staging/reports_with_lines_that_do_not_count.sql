-- Reports in force of which the laboratory sent lines that are not final yet, or none that counts: what was sent and is not read.
with messages as (
    {{ latest_version('pathology_messages') }}
),

-- whether there are such lines, not how many: each status of a report once
statuses_of_reports as (
    select record_id, list_distinct(list_transform(observations, x -> coalesce(x.status, 'F'))) as statuses
    from messages
),

lines as (
    select record_id, unnest(statuses) as status
    from statuses_of_reports
),

counted as (
    select
        lines.record_id,
        count(case when coalesce(statuses.is_read, 'yes') = 'yes' then 1 end) as n_read,
        count(case when statuses.is_pending = 'yes' then 1 end) as n_pending
    from lines
    left join {{ ref('observation_statuses') }} as statuses on lines.status = statuses.status
    group by lines.record_id
)

select
    reports.study_id,
    reports.source_system,
    reports.record_id,
    case
        when coalesce(counted.n_read, 0) > 0 then 'a report in force with lines that are not final: these are not read'
        when coalesce(counted.n_pending, 0) > 0 then 'a report in force of which no line is final yet'
        else 'a report in force without a line that counts'
    end as reason
from {{ ref('stg_pathology_reports') }} as reports
left join counted on reports.record_id = counted.record_id
where reports.is_current and (coalesce(counted.n_read, 0) = 0 or counted.n_pending > 0)
