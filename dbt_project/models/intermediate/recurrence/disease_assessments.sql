-- Usable looks at the patient after the index operation, whatever they found.
select study_id, event_date, event_type, finding, sites, is_without_site, is_evidence, record_id
from {{ ref('dated_follow_up_events') }}
where problem is null
