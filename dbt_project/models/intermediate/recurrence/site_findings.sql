-- One row a finding of disease and site, suspicious or definite.
select
    assessments.study_id,
    assessments.event_date,
    assessments.finding,
    exploded.site,
    assessments.record_id
from {{ ref('disease_assessments') }} as assessments
{{ crlm_explode('assessments.sites', 'site') }}
where assessments.finding in ('suspicious', 'definite')
