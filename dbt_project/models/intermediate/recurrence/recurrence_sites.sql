-- The first evidence of each site of recurrence of each patient.
with ordered as (
    select
        evidence.*,
        sites.organ,
        row_number() over (
            partition by evidence.study_id, evidence.site order by evidence.evidence_date, evidence.evidence, evidence.record_id
        ) as evidence_number
    from {{ ref('recurrence_evidence') }} as evidence
    inner join {{ ref('recurrence_site_names') }} as sites on evidence.site = sites.site
)

select study_id, site, organ, evidence_date as recurrence_date, evidence, record_id as source_record_id
from ordered
where evidence_number = 1
