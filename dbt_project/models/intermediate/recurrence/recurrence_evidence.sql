-- What counts as evidence of recurrence at a site: definite findings, and suspicions later confirmed, each from its own date.
select findings.study_id, findings.event_date as evidence_date, findings.site, findings.record_id, 'definite finding' as evidence
from {{ ref('site_findings') }} as findings
left join {{ ref('agreeing_looks_without_site') }} as agreeing on findings.record_id = agreeing.record_id
where findings.finding = 'definite' and agreeing.record_id is null
union all
select study_id, event_date, site, record_id, 'definite finding'
from {{ ref('agreeing_looks_without_site') }}
union all
select study_id, event_date, site, record_id, 'suspicious finding, confirmed later'
from {{ ref('confirmed_suspicions') }}
