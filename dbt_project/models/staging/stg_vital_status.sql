-- The latest word on whether each patient is alive, typed.
with versions as (
    {{ latest_version(source('raw', 'vital_status'), 'mrn') }}
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
inner join {{ source('raw', 'patient_identifiers') }} as identifiers
    on versions.source_system = identifiers.source_system and versions.mrn = identifiers.mrn
