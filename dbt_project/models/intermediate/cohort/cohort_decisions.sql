-- One decision a registered patient: included, or the first criterion not met, in the order of the study's cohort flow. What nobody
-- wrote down is a reason of its own, before the one that it might be.
with registered as (
    select
        study_id,
        min(source_system) as source_system,
        bool_or(diagnosis is null) as has_diagnosis_not_recorded
    from {{ ref('stg_registry_operations') }}
    group by study_id
),

of_the_disease as (
    select study_id, bool_or(operative_intent is null) as has_intent_not_recorded
    from {{ ref('operations_for_the_disease') }}
    group by study_id
),

first_operations as (
    select study_id, residual_disease from {{ ref('first_curative_hepatectomies') }}
),

reached as (
    select
        registered.study_id,
        registered.has_diagnosis_not_recorded,
        of_the_disease.study_id is not null as has_disease,
        coalesce(of_the_disease.has_intent_not_recorded, false) as has_intent_not_recorded,
        first_operations.study_id is not null as has_first_operation,
        first_operations.residual_disease
    from registered
    left join of_the_disease on registered.study_id = of_the_disease.study_id
    left join first_operations on registered.study_id = first_operations.study_id
),

not_met as (
    select study_id, 'diagnosis_recorded' as criterion from reached
    where not has_disease and has_diagnosis_not_recorded
    union all
    select study_id, 'disease' from reached
    where not has_disease
    union all
    select study_id, 'intent_recorded' from reached
    where not has_first_operation and has_intent_not_recorded
    union all
    select study_id, 'curative_intent' from reached
    where not has_first_operation
    union all
    select study_id, 'first_hepatectomy' from {{ ref('earlier_hepatectomies') }}
    union all
    select study_id, 'earlier_diagnosis_recorded' from {{ ref('earlier_hepatectomies_for_an_unknown_disease') }}
    union all
    select study_id, 'completeness_recorded' from reached
    where has_first_operation and residual_disease is null
    union all
    select study_id, 'complete_resection' from reached
    where study_id not in (select study_id from {{ ref('complete_macroscopic_resections') }})
    union all
    select study_id, 'adult' from {{ ref('minors_at_operation') }}
    union all
    select study_id, 'follow_up' from reached
    where study_id not in (select study_id from {{ ref('patients_with_follow_up') }})
),

-- what the study does not ask for excludes nobody
criteria as (
    select * from {{ ref('cohort_criteria') }}
    where study = '{{ var('study') }}'
),

first_not_met as (
    select not_met.study_id, min(criteria.step_number) as step_number
    from not_met
    inner join criteria on not_met.criterion = criteria.criterion
    group by not_met.study_id
)

select
    registered.study_id,
    registered.source_system,
    criteria.exclusion_reason
from registered
left join first_not_met on registered.study_id = first_not_met.study_id
left join criteria on first_not_met.step_number = criteria.step_number
