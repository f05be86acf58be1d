-- One decision a registered patient: included, or the first criterion not met, in the order of the cohort flow.
with registered as (
    select study_id, min(source_system) as source_system
    from {{ ref('stg_registry_operations') }}
    group by study_id
),

colorectal as (
    select distinct study_id from {{ ref('colorectal_metastasis_operations') }}
),

not_met as (
    select study_id, 'colorectal_metastasis' as criterion
    from registered
    where study_id not in (select study_id from colorectal)
    union all
    select study_id, 'curative_intent'
    from registered
    where study_id not in (select study_id from {{ ref('first_curative_hepatectomies') }})
    union all
    select study_id, 'first_hepatectomy' from {{ ref('earlier_hepatectomies') }}
    union all
    select study_id, 'complete_resection'
    from registered
    where study_id not in (select study_id from {{ ref('complete_macroscopic_resections') }})
    union all
    select study_id, 'adult' from {{ ref('minors_at_operation') }}
    union all
    select study_id, 'follow_up'
    from registered
    where study_id not in (select study_id from {{ ref('patients_with_follow_up') }})
),

first_not_met as (
    select not_met.study_id, min(criteria.step_number) as step_number
    from not_met
    inner join {{ ref('cohort_criteria') }} as criteria on not_met.criterion = criteria.criterion
    group by not_met.study_id
)

select
    registered.study_id,
    registered.source_system,
    criteria.exclusion_reason
from registered
left join first_not_met on registered.study_id = first_not_met.study_id
left join {{ ref('cohort_criteria') }} as criteria on first_not_met.step_number = criteria.step_number
