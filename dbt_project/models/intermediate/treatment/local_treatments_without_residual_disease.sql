-- Treatments that can eradicate disease (seeds.treatment_types) after which none was left by the operator's or
-- radiotherapist's own account.
select treatments.study_id, treatments.treatment_date, treatments.treatment_type, treatments.record_id
from {{ ref('treatments_after_recurrence') }} as treatments
inner join {{ ref('treatment_types') }} as types on treatments.treatment_type = types.treatment_type
where treatments.problem is null and types.can_eradicate and treatments.residual_disease = 'none'
