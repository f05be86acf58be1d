-- The latest version of each look at the patient after operation, typed. Sites that are named twice stand once.
with versions as (
    {{ latest_version_in_force('follow_up') }}
)

select
    identifiers.study_id,
    versions.event_id,
    cast(versions.event_date as date) as event_date,
    cast(versions.specimen_date as date) as specimen_date,
    versions.event_type,
    versions.modality,
    versions.finding,
    list_sort(list_distinct(coalesce(string_split(versions.sites, ';'), site_texts.sites))) as sites,
    site_texts.unknown_words as unknown_site_words,
    versions.source_system,
    versions.system,
    coalesce(versions.record_key, versions.event_id) as record_key,
    versions.record_id
from versions
inner join {{ ref('stg_patient_identities') }} as identifiers
    on versions.source_system = identifiers.source_system and versions.mrn = identifiers.mrn
left join {{ ref('stg_recurrence_site_texts') }} as site_texts
    -- one comparison: with a condition on one side beside it, every look is compared with every text
    on case when versions.sites is null then versions.sites_text end = site_texts.sites_text
