-- The merge of each retired patient record that counts. Merges and unlinks are told by time: an unlink undoes the merges of the two
-- before it, and of several merges of one record the latest holds.
with events as (
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
)

select events.source_system, events.retired_mrn, events.mrn, events.merged_at
from events
left join unlinks
    on events.source_system = unlinks.source_system
    and least(events.mrn, events.retired_mrn) = unlinks.one_mrn
    and greatest(events.mrn, events.retired_mrn) = unlinks.other_mrn
    and events.event_number < unlinks.event_number
where events.merge_event = 'merge' and unlinks.source_system is null
qualify row_number() over (partition by events.source_system, events.retired_mrn order by events.event_number desc) = 1
