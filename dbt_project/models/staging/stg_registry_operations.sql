-- The latest version of each registered hepatectomy, typed.
with versions as (
    {{ latest_version_in_force('registry') }}
)

select
    identifiers.study_id,
    versions.registry_record_id,
    cast(versions.operation_date as date) as operation_date,
    cast(versions.birth_date as date) as birth_date,
    versions.sex,
    versions.procedure_type,
    versions.operative_intent,
    versions.residual_disease,
    versions.diagnosis,
    versions.operated_organ,
    versions.primary_site,
    versions.primary_node_status,
    cast(versions.primary_resection_date as date) as primary_resection_date,
    cast(versions.liver_metastasis_date as date) as liver_metastasis_date,
    {{ number_told('versions.metastasis_count', 'integer') }} as metastasis_count,
    {{ number_told('versions.largest_metastasis_cm') }} as largest_metastasis_cm,
    {{ number_told('versions.cea_ng_ml') }} as cea_ng_ml,
    -- as they were told: a number, or a bound with its comparator
    versions.metastasis_count as metastasis_count_told,
    versions.largest_metastasis_cm as largest_metastasis_cm_told,
    versions.cea_ng_ml as cea_ng_ml_told,
    versions.margin_mm as margin_mm_told,
    versions.margin_status,
    versions.extrahepatic_disease = 'yes' as has_extrahepatic_disease,
    versions.hai_pump = 'yes' as has_hai_pump,
    versions.preoperative_chemotherapy = 'yes' as had_preoperative_chemotherapy,
    versions.kras_status = 'mutated' as is_kras_mutated,
    cast(versions.age_at_operation_years as double) as stated_age_at_operation_years,
    cast(versions.clinical_risk_score as integer) as stated_clinical_risk_score,
    coalesce(versions.has_nominal_dates = 'yes', false) as has_nominal_dates,
    versions.source_system,
    versions.system,
    coalesce(versions.record_key, versions.registry_record_id) as record_key,
    versions.record_id
from versions
inner join {{ ref('stg_patient_identities') }} as identifiers
    on versions.source_system = identifiers.source_system and versions.mrn = identifiers.mrn
