-- One row a patient and endpoint: how long, what ended it, and the record that says so.
select
    study_id,
    endpoint,
    time_days,
    case role when 'event' then 1 when 'competing' then 2 else 0 end as event_code,
    event_label,
    role || ': ' || replace(milestone, '_', ' ') as end_reason,
    source_table,
    source_record_id
from {{ ref('endpoint_candidates') }}
where candidate_number = 1 and time_days >= 1
