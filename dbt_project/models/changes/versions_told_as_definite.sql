-- All versions of the records of follow-up of which a version says that there is a recurrence: the few among all looks of which it is
-- counted, before it is known who changed and at the end, what became of them.
select
    versions.source_system,
    versions.system,
    versions.mrn,
    versions.event_id,
    versions.event_date,
    versions.event_type,
    versions.modality,
    versions.finding,
    versions.sites,
    versions.sites_text,
    versions.record_status,
    versions.record_updated_at,
    versions.record_id,
    versions.record_key,
    versions.record_hash,
    versions.record_number,
    versions.source_patient,
    versions.source_version,
    versions.source_updated_at,
    versions.source_file,
    versions.source_line,
    versions.load_number,
    versions.loaded_at,
    versions.superseded_by,
    versions.is_withdrawn
from {{ source('raw', 'follow_up') }} as versions
where versions.superseded_by is null
    and {{ record_number_of('follow_up', 'versions.') }} in (
        select {{ record_number_of('follow_up', 'told.') }}
        from {{ source('raw', 'follow_up') }} as told
        where told.finding = 'definite'
    )
