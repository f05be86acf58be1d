-- What counts as evidence of recurrence at a site: definite findings, and suspicions later confirmed, each from its own date.
select study_id, event_date as evidence_date, site, record_id, 'definite finding' as evidence
from {{ ref('site_findings') }}
where finding = 'definite'
union all
select study_id, event_date, site, record_id, 'suspicious finding, confirmed later'
from {{ ref('confirmed_suspicions') }}
