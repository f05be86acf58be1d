-- One decision a registered patient: included, or the first criterion not met, in the order of the cohort flow.
with registered as (
    select study_id, min(source_system) as source_system
    from {{ ref('stg_registry_operations') }}
    group by study_id
),

colorectal as (
    select distinct study_id from {{ ref('colorectal_metastasis_operations') }}
)

select
    registered.study_id,
    registered.source_system,
    case
        when colorectal.study_id is null then 'not a colorectal liver metastasis'
        when first_operations.study_id is null then 'no operation with curative intent'
        when earlier.study_id is not null then 'liver resected before'
        when complete.study_id is null then 'macroscopically incomplete resection (R2)'
        when minors.study_id is not null then 'under 18 years of age'
        when followed.study_id is null then 'no follow-up after the operation'
    end as exclusion_reason
from registered
left join colorectal on registered.study_id = colorectal.study_id
left join {{ ref('first_curative_hepatectomies') }} as first_operations on registered.study_id = first_operations.study_id
left join {{ ref('earlier_hepatectomies') }} as earlier on registered.study_id = earlier.study_id
left join {{ ref('complete_macroscopic_resections') }} as complete on registered.study_id = complete.study_id
left join {{ ref('minors_at_operation') }} as minors on registered.study_id = minors.study_id
left join {{ ref('patients_with_follow_up') }} as followed on registered.study_id = followed.study_id
