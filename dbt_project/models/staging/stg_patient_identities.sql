-- The patient behind each MRN: merged records lead to the patient record that survived, also by way of several merges. A step each,
-- up to the longest chain that is believed: a recursion would be shorter, but not every engine has one.
{% set longest = var('longest_chain_of_merges') | int(3) %}
with onward as (
    select * from {{ ref('merges_out_of_circles') }}
),

end_of_0 as (
    select source_system, retired_mrn as mrn, retired_mrn as surviving_mrn, 0 as n_merges
    from onward
),
{% for step in range(1, longest + 1) %}
end_of_{{ step }} as (
    select
        ends.source_system,
        ends.mrn,
        coalesce(onward.mrn, ends.surviving_mrn) as surviving_mrn,
        ends.n_merges + case when onward.mrn is null then 0 else 1 end as n_merges
    from end_of_{{ step - 1 }} as ends
    left join onward on ends.source_system = onward.source_system and ends.surviving_mrn = onward.retired_mrn
),
{% endfor %}
ends as (
    select
        identifiers.source_system,
        identifiers.mrn,
        identifiers.study_id as own_study_id,
        coalesce(merged.surviving_mrn, identifiers.mrn) as surviving_mrn,
        coalesce(merged.n_merges, 0) as n_merges
    from {{ source('raw', 'patient_identifiers') }} as identifiers
    left join end_of_{{ longest }} as merged on identifiers.source_system = merged.source_system and identifiers.mrn = merged.mrn
)

select
    ends.source_system,
    ends.mrn,
    -- merges of one time in a circle have no survivor
    case when ends.n_merges < {{ longest }} then survivors.study_id else ends.own_study_id end as study_id,
    ends.own_study_id,
    ends.n_merges
from ends
inner join {{ source('raw', 'patient_identifiers') }} as survivors
    on ends.source_system = survivors.source_system and ends.surviving_mrn = survivors.mrn
