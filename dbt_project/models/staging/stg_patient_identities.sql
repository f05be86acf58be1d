-- The patient behind each MRN: merged records lead to the patient record that survived, also by way of several merges. Merges
-- and unlinks are told by time: an unlink undoes the merges of the two before it, and where merges lead in a circle the latest
-- of them says which record survives.
with recursive events as (
    select
        source_system,
        retired_mrn,
        mrn,
        merged_at,
        coalesce(merge_event, 'merge') as merge_event,
        row_number() over (
            partition by source_system order by merged_at nulls first, load_number nulls first, loaded_at, record_number, record_id
        ) as event_number
    from {{ source('raw', 'patient_merges') }}
    where superseded_by is null and not coalesce(is_withdrawn, false) and mrn <> retired_mrn
),

unlinks as (
    select source_system, least(mrn, retired_mrn) as one_mrn, greatest(mrn, retired_mrn) as other_mrn, max(event_number) as event_number
    from events
    where merge_event = 'unlink'
    group by all
),

last_merges as (
    select events.source_system, events.retired_mrn, events.mrn, events.merged_at
    from events
    left join unlinks
        on events.source_system = unlinks.source_system
        and least(events.mrn, events.retired_mrn) = unlinks.one_mrn
        and greatest(events.mrn, events.retired_mrn) = unlinks.other_mrn
        and events.event_number < unlinks.event_number
    where events.merge_event = 'merge' and unlinks.source_system is null
    qualify row_number() over (partition by events.source_system, events.retired_mrn order by events.event_number desc) = 1
),

-- from each retired record on, with the latest merge on the way; none where two of them are equally late
ways as (
    select
        source_system, retired_mrn as from_mrn, mrn as to_mrn, 1 as n_merges, merged_at as latest_merged_at,
        cast(case when merged_at is not null then mrn end as varchar) as latest_survivor
    from last_merges
    union all
    select
        ways.source_system,
        ways.from_mrn,
        last_merges.mrn,
        ways.n_merges + 1,
        greatest(ways.latest_merged_at, last_merges.merged_at),
        case
            when last_merges.merged_at > ways.latest_merged_at then last_merges.mrn
            when last_merges.merged_at < ways.latest_merged_at then ways.latest_survivor
        end
    from ways
    inner join last_merges on ways.source_system = last_merges.source_system and ways.to_mrn = last_merges.retired_mrn
    where ways.to_mrn <> ways.from_mrn and ways.n_merges < {{ var('longest_chain_of_merges') }}
),

survivors_of_circles as (
    select distinct source_system, latest_survivor as mrn
    from ways
    where to_mrn = from_mrn and latest_survivor is not null
),

merges as (
    select last_merges.source_system, last_merges.retired_mrn, last_merges.mrn
    from last_merges
    left join survivors_of_circles as survivors
        on last_merges.source_system = survivors.source_system and last_merges.retired_mrn = survivors.mrn
    where survivors.mrn is null
),

steps as (
    select source_system, mrn, mrn as surviving_mrn, 0 as n_merges
    from {{ source('raw', 'patient_identifiers') }}
    union all
    select steps.source_system, steps.mrn, merges.mrn, steps.n_merges + 1
    from steps
    inner join merges on steps.source_system = merges.source_system and steps.surviving_mrn = merges.retired_mrn
    -- merges of one time in a circle have no survivor
    where steps.n_merges < {{ var('longest_chain_of_merges') }}
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
