-- Local treatments after which no disease was left by the operator's or radiotherapist's own account.
select study_id, treatment_date, treatment_type, record_id
from {{ ref('treatments_after_recurrence') }}
where problem is null
    and treatment_type in ('resection', 'ablation', 'radiotherapy')
    and residual_disease = 'none'
