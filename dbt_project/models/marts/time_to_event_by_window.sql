-- The endpoints that a first recurrence of some initial pattern ends, by each other synchronous window: the same days, but the first
-- recurrence may be another pattern; one that a window leaves open is another pattern.
with pattern_definitions as (
    select endpoint, role, milestone, priority from {{ ref('endpoint_definitions') }}
    where milestone in ({{ every_first_recurrence_milestone() }})
),

pattern_endpoints as (
    select distinct endpoint from pattern_definitions
    where role = 'event'
),

ends as (
    select
        times.study_id,
        times.endpoint,
        times.time_days,
        times.event_code,
        -- of these endpoints only the first recurrence rests on a look at the patient and is no censoring
        times.event_code <> 0 and times.source_table = 'stg_follow_up_events' as is_first_recurrence
    from {{ ref('time_to_event') }} as times
    inner join pattern_endpoints on times.endpoint = pattern_endpoints.endpoint
),

milestones_by_window as (
    {% for truth in first_recurrence_truths() -%}
    select study_id, synchronous_window_days, {{ first_recurrence_milestone(truth) }} as milestone
    from {{ ref('initial_patterns_by_window') }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- all of the same day: the definitions say which comes first
roles as (
    select
        milestones.study_id,
        milestones.synchronous_window_days,
        definitions.endpoint,
        definitions.role,
        row_number() over (
            partition by milestones.study_id, milestones.synchronous_window_days, definitions.endpoint order by definitions.priority
        ) as role_number
    from milestones_by_window as milestones
    inner join pattern_definitions as definitions on milestones.milestone = definitions.milestone
)

select
    ends.study_id,
    ends.endpoint,
    cast(windows.synchronous_window_days as integer) as synchronous_window_days,
    ends.time_days,
    case when not ends.is_first_recurrence then ends.event_code when roles.role = 'event' then 1 else 2 end as event_code
from ends
cross join {{ ref('synchronous_window_alternatives') }} as windows
left join roles
    on
        ends.study_id = roles.study_id
        and ends.endpoint = roles.endpoint
        and windows.synchronous_window_days = roles.synchronous_window_days
        and roles.role_number = 1
