-- The endpoints of an initial pattern by each other synchronous window: the same days, but the first recurrence may be another
-- pattern; one that a window leaves open is another pattern.
with ends as (
    select
        times.study_id,
        times.endpoint,
        times.time_days,
        times.event_code,
        -- of these endpoints only the first recurrence rests on a look at the patient and is no censoring
        times.event_code <> 0 and times.source_table = 'stg_follow_up_events' as is_first_recurrence
    from {{ ref('time_to_event') }} as times
    where times.endpoint in ('isolated_liver_recurrence', 'margin_recurrence', 'extrahepatic_only_recurrence')
),

patterned as (
    select
        ends.*,
        windows.synchronous_window_days,
        case ends.endpoint
            when 'isolated_liver_recurrence' then patterns.is_isolated_liver
            when 'margin_recurrence' then patterns.has_margin_site
            else patterns.is_extrahepatic_only
        end as is_of_pattern
    from ends
    cross join {{ ref('synchronous_window_alternatives') }} as windows
    left join {{ ref('initial_patterns_by_window') }} as patterns
        on ends.study_id = patterns.study_id and windows.synchronous_window_days = patterns.synchronous_window_days
)

select
    study_id,
    endpoint,
    cast(synchronous_window_days as integer) as synchronous_window_days,
    time_days,
    case when not is_first_recurrence then event_code when is_of_pattern then 1 else 2 end as event_code
from patterned
