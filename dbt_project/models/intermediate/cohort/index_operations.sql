-- The cohort: one index operation a patient included; its date is time zero.
select
    operations.study_id,
    operations.operation_date as index_operation_date,
    operations.birth_date,
    operations.sex,
    operations.procedure_type,
    operations.residual_disease,
    operations.primary_site,
    operations.primary_node_status,
    operations.primary_resection_date,
    operations.liver_metastasis_date,
    operations.metastasis_count,
    operations.largest_metastasis_cm,
    operations.cea_ng_ml,
    operations.metastasis_count_told,
    operations.largest_metastasis_cm_told,
    operations.cea_ng_ml_told,
    operations.has_extrahepatic_disease,
    operations.has_hai_pump,
    operations.had_preoperative_chemotherapy,
    operations.is_kras_mutated,
    operations.stated_age_at_operation_years,
    operations.stated_clinical_risk_score,
    operations.has_nominal_dates,
    operations.source_system,
    operations.record_id as source_record_id
from {{ ref('first_curative_hepatectomies') }} as operations
inner join {{ ref('cohort_decisions') }} as decisions on operations.study_id = decisions.study_id
where decisions.exclusion_reason is null
