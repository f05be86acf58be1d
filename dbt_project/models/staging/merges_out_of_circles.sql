-- The merges in force without those that lead on from the survivor of a circle: where merges lead in a circle the latest of them says
-- which record survives, and none does where two of them are equally late.
{% set longest = var('longest_chain_of_merges') | int(3) %}
with in_force as (
    select * from {{ ref('merges_in_force') }}
),

-- from each retired record on, a step each, with the latest merge on the way, and no further than where it began
way_of_1 as (
    select
        source_system, retired_mrn as from_mrn, mrn as to_mrn, merged_at as latest_merged_at,
        cast(case when merged_at is not null then mrn end as varchar) as latest_survivor
    from in_force
),
{% for step in range(2, longest + 1) %}
way_of_{{ step }} as (
    select
        walked.source_system,
        walked.from_mrn,
        case when walked.to_mrn = walked.from_mrn then walked.to_mrn else in_force.mrn end as to_mrn,
        case
            when walked.to_mrn = walked.from_mrn then walked.latest_merged_at else greatest(walked.latest_merged_at, in_force.merged_at)
        end as latest_merged_at,
        case
            when walked.to_mrn = walked.from_mrn then walked.latest_survivor
            when in_force.merged_at > walked.latest_merged_at then in_force.mrn
            when in_force.merged_at < walked.latest_merged_at then walked.latest_survivor
        end as latest_survivor
    from way_of_{{ step - 1 }} as walked
    left join in_force on walked.source_system = in_force.source_system and walked.to_mrn = in_force.retired_mrn
),
{% endfor %}
survivors_of_circles as (
    select distinct source_system, latest_survivor as mrn
    from way_of_{{ longest }}
    where to_mrn = from_mrn and latest_survivor is not null
)

select in_force.source_system, in_force.retired_mrn, in_force.mrn
from in_force
left join survivors_of_circles as survivors
    on in_force.source_system = survivors.source_system and in_force.retired_mrn = survivors.mrn
where survivors.mrn is null
