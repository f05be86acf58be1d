-- The initial pattern by each other synchronous window, for sensitivity analyses.
select
    sites.study_id,
    windows.synchronous_window_days,
    {{ initial_pattern_truths() }}
from {{ ref('recurrence_sites') }} as sites
inner join {{ ref('first_recurrence_dates') }} as first_dates on sites.study_id = first_dates.study_id
inner join {{ ref('synchronous_window_alternatives') }} as windows
    on {{ crlm_days_between('first_dates.first_recurrence_date', 'sites.recurrence_date') }} <= windows.synchronous_window_days
group by sites.study_id, windows.synchronous_window_days
