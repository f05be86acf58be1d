-- For each patient and endpoint every milestone that may end the time; the earliest event or competing event wins,
-- a censoring milestone only where there is neither.
select
    ends.study_id,
    definitions.endpoint,
    definitions.origin,
    definitions.role,
    definitions.event_label,
    ends.milestone,
    {{ crlm_days_between('origins.milestone_date', 'ends.milestone_date') }} as time_days,
    -- after recurrence the day itself is a time, as in R; nobody is followed from the operation for no day
    {{ crlm_days_between('origins.milestone_date', 'ends.milestone_date') }}
    >= case when definitions.origin = 'index_operation' then 1 else 0 end as is_a_time,
    ends.source_table,
    ends.source_record_id,
    row_number() over (
        partition by ends.study_id, definitions.endpoint
        order by
            case when definitions.role = 'censor' then 1 else 0 end,
            ends.milestone_date,
            definitions.priority
    ) as candidate_number
from {{ ref('endpoint_definitions') }} as definitions
inner join {{ ref('milestones') }} as ends on definitions.milestone = ends.milestone
inner join {{ ref('milestones') }} as origins
    on ends.study_id = origins.study_id and definitions.origin = origins.milestone
