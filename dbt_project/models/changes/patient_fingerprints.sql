-- A number a patient that changes when anything her rows are derived from changes: a record of hers, whose MRNs are hers, what
-- her hospital says it cannot tell, or its deaths or recurrences show that it cannot.
with versions as (
    select source_system, mrn, told_study_id, sum(version_number) as fingerprint
    from {{ ref('record_versions') }}
    where is_in_force
    group by source_system, mrn, told_study_id
),

limits as (
    select source_system, sum({{ crlm_hash(['endpoint', 'reason']) }}) as fingerprint
    from {{ source('raw', 'not_derivable_endpoints') }}
    group by source_system
    union all
    select source_system, {{ crlm_hash(["'deaths without a cause'", 'source_system']) }}
    from {{ ref('hospitals_without_causes_of_death') }}
    union all
    select source_system, {{ crlm_hash(["'recurrences without a site'", 'source_system']) }}
    from {{ ref('hospitals_by_recurrence_sites') }}
    where is_too_many
),

parts as (
    select identifiers.study_id, versions.fingerprint
    from versions
    inner join {{ ref('stg_patient_identities') }} as identifiers
        on versions.source_system = identifiers.source_system and versions.mrn = identifiers.mrn
    union all
    select told_study_id, fingerprint
    from versions
    where told_study_id is not null
    union all
    select study_id, {{ crlm_hash(['source_system', 'mrn', 'own_study_id', 'n_merges']) }}
    from {{ ref('stg_patient_identities') }}
    union all
    select identifiers.study_id, limits.fingerprint
    from {{ ref('stg_patient_identities') }} as identifiers
    inner join limits on identifiers.source_system = limits.source_system
)

select study_id, sum(fingerprint) as fingerprint
from parts
group by study_id
