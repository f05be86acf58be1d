-- The latest word on whether each patient is alive, typed. Where merged records or two systems speak of one patient, a
-- death is believed before an absence of news, then the later contact. A date of death without a status says that the patient died.
-- Beside 'alive' it contradicts the status: neither is believed, and the last contact is the last day that both agree on.
with versions as (
    select
        *,
        coalesce(vital_status, case when death_date is not null then 'dead' end) as status
    from ({{ latest_version_in_force('vital_status') }}) as in_force
)

select
    identifiers.study_id,
    versions.status as vital_status,
    case
        when versions.status = 'alive' and versions.death_date < versions.last_contact_date then cast(versions.death_date as date)
        else cast(versions.last_contact_date as date)
    end as last_contact_date,
    case when versions.status = 'dead' then cast(versions.death_date as date) end as death_date,
    coalesce(versions.status = 'alive', false) and versions.death_date is not null as is_alive_with_death_date,
    versions.cause_of_death,
    versions.source_system,
    versions.record_id
from versions
inner join {{ ref('stg_patient_identities') }} as identifiers
    on versions.source_system = identifiers.source_system and versions.mrn = identifiers.mrn
qualify row_number() over (
    partition by identifiers.study_id
    order by
        case when versions.status = 'dead' then 0 else 1 end,
        versions.last_contact_date desc nulls last,
        versions.load_number desc nulls last,
        versions.loaded_at desc,
        versions.record_id desc
) = 1
