-- The latest word on whether each patient is alive, typed. Where merged records or two systems speak of one patient, a
-- death is believed before an absence of news, then the later contact.
with versions as (
    {{ latest_version_in_force('vital_status') }}
)

select
    identifiers.study_id,
    versions.vital_status,
    cast(versions.last_contact_date as date) as last_contact_date,
    cast(versions.death_date as date) as death_date,
    versions.cause_of_death,
    versions.source_system,
    versions.record_id
from versions
inner join {{ ref('stg_patient_identities') }} as identifiers
    on versions.source_system = identifiers.source_system and versions.mrn = identifiers.mrn
qualify row_number() over (
    partition by identifiers.study_id
    order by
        case when versions.vital_status = 'dead' then 0 else 1 end,
        versions.last_contact_date desc nulls last,
        versions.load_number desc nulls last,
        versions.loaded_at desc,
        versions.record_id desc
) = 1
