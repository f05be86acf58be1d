-- Usable looks at the patient after the index operation, whatever they found.
select study_id, event_date, event_type, finding, sites, record_id
from {{ ref('dated_follow_up_events') }}
where problem is null
