-- One row a registered patient, in the cohort or not, and why not.
with sexes as (
    select study_id, min(sex) as sex
    from {{ ref('stg_registry_operations') }}
    group by study_id
)

select
    decisions.study_id,
    decisions.source_system,
    sexes.sex,
    decisions.exclusion_reason is null as is_in_cohort,
    decisions.exclusion_reason,
    vital.vital_status,
    vital.cause_of_death,
    {{ crlm_days_between('operations.index_operation_date', 'contacts.last_contact_date') }} as last_contact_days,
    {{ crlm_days_between('operations.index_operation_date', 'assessments.last_disease_assessment_date') }}
        as last_disease_assessment_days
from {{ ref('cohort_decisions') }} as decisions
inner join sexes on decisions.study_id = sexes.study_id
left join {{ ref('index_operations') }} as operations on decisions.study_id = operations.study_id
left join {{ ref('stg_vital_status') }} as vital on decisions.study_id = vital.study_id
left join {{ ref('last_contacts') }} as contacts on decisions.study_id = contacts.study_id
left join {{ ref('last_disease_assessments') }} as assessments on decisions.study_id = assessments.study_id
