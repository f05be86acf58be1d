-- One row a finding of disease and site, suspicious or definite, by a look that can be evidence of recurrence.
select
    assessments.study_id,
    assessments.event_date,
    assessments.finding,
    exploded.site,
    names.organ,
    assessments.is_without_site,
    assessments.record_id
from {{ ref('disease_assessments') }} as assessments
{{ crlm_explode('assessments.sites', 'site') }}
inner join {{ ref('recurrence_site_names') }} as names on exploded.site = names.site
where assessments.finding in ('suspicious', 'definite') and assessments.is_evidence
