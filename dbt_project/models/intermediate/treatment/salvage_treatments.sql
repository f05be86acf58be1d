-- Salvage: such a treatment, then no evidence of disease at an assessment after it, before any new evidence of disease.
with next_looks as (
    select
        treatments.study_id,
        treatments.treatment_date,
        treatments.treatment_type,
        treatments.record_id,
        min(assessments.event_date) filter (where assessments.finding = 'no_evidence_of_disease') as no_evidence_date,
        min(evidence.evidence_date) as next_evidence_date
    from {{ ref('local_treatments_without_residual_disease') }} as treatments
    left join {{ ref('disease_assessments') }} as assessments
        on treatments.study_id = assessments.study_id and assessments.event_date > treatments.treatment_date
    left join {{ ref('recurrence_evidence') }} as evidence
        on treatments.study_id = evidence.study_id and evidence.evidence_date > treatments.treatment_date
    group by treatments.study_id, treatments.treatment_date, treatments.treatment_type, treatments.record_id
)

select study_id, treatment_date, treatment_type, no_evidence_date, record_id
from next_looks
where no_evidence_date < next_evidence_date or (no_evidence_date is not null and next_evidence_date is null)
