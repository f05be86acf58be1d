-- The latest version of each treatment of recurrence, typed.
with versions as (
    {{ latest_version_in_force('treatments') }}
)

select
    identifiers.study_id,
    versions.treatment_id,
    cast(versions.treatment_date as date) as treatment_date,
    versions.treatment_type,
    list_sort(list_distinct(string_split(versions.sites, ';'))) as sites,
    versions.residual_disease,
    versions.source_system,
    versions.system,
    coalesce(versions.record_key, versions.treatment_id) as record_key,
    versions.record_id
from versions
inner join {{ ref('stg_patient_identities') }} as identifiers
    on versions.source_system = identifiers.source_system and versions.mrn = identifiers.mrn
