-- The patient behind each MRN: merged records lead to the patient record that survived, also by way of several merges.
with recursive merges as (
    select source_system, retired_mrn, mrn
    from {{ source('raw', 'patient_merges') }}
    qualify row_number() over (
        partition by source_system, retired_mrn order by merged_at desc nulls last, loaded_at desc, record_id desc
    ) = 1
),

steps as (
    select source_system, mrn, mrn as surviving_mrn, 0 as n_merges
    from {{ source('raw', 'patient_identifiers') }}
    union all
    select steps.source_system, steps.mrn, merges.mrn, steps.n_merges + 1
    from steps
    inner join merges on steps.source_system = merges.source_system and steps.surviving_mrn = merges.retired_mrn
    -- merges in a circle have no survivor
    where steps.n_merges < {{ var('longest_chain_of_merges') }} and merges.mrn <> merges.retired_mrn
),

ends as (
    select source_system, mrn, surviving_mrn, n_merges
    from steps
    qualify row_number() over (partition by source_system, mrn order by n_merges desc) = 1
)

select
    ends.source_system,
    ends.mrn,
    case when ends.n_merges < {{ var('longest_chain_of_merges') }} then survivors.study_id else own_records.study_id end
        as study_id,
    own_records.study_id as own_study_id,
    ends.n_merges
from ends
inner join {{ source('raw', 'patient_identifiers') }} as own_records
    on ends.source_system = own_records.source_system and ends.mrn = own_records.mrn
inner join {{ source('raw', 'patient_identifiers') }} as survivors
    on ends.source_system = survivors.source_system and ends.surviving_mrn = survivors.mrn
