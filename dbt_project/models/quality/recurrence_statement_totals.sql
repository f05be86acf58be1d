-- One row a hospital: its definite statements of a recurrence as raw has them, and where they went; and how many of its recurrences
-- have no readable site.
with latest as (
    {{ latest_of('follow_up', patient_of_record('follow_up'), needs_patient=true, records=ref('versions_told_as_definite')) }}
),

statements as (
    select source_system, count(*) as n
    from latest
    where finding = 'definite' and coalesce(record_status, 'active') <> 'cancelled' and not coalesce(is_withdrawn, false)
    group by source_system
),

in_recurrences as (
    select looks.source_system, count(distinct evidence.record_id) as n
    from {{ ref('recurrence_evidence') }} as evidence
    inner join {{ ref('recurrences') }} as recurrences
        on evidence.study_id = recurrences.study_id and evidence.site = recurrences.site
    inner join {{ ref('stg_follow_up_events') }} as looks on evidence.record_id = looks.record_id
    where evidence.evidence = 'definite finding'
    group by looks.source_system
),

listed as (
    select source_system, count(reason) as n
    from {{ ref('listed_recurrence_statements') }}
    group by source_system
),

hospitals as (
    select distinct source_system from {{ source('raw', 'patient_identifiers') }}
)

select
    hospitals.source_system,
    coalesce(statements.n, 0) as n_statements,
    coalesce(in_recurrences.n, 0) as n_in_recurrences,
    coalesce(listed.n, 0) as n_listed,
    coalesce(in_recurrences.n, 0) + coalesce(listed.n, 0) as n_accounted,
    coalesce(sites.n_recurred, 0) as n_recurred,
    coalesce(sites.n_without_site, 0) as n_recurred_without_site,
    coalesce(sites.is_warned_of, false) as has_many_recurrences_without_site,
    coalesce(sites.is_too_many, false) as has_too_many_recurrences_without_site
from hospitals
left join statements on hospitals.source_system = statements.source_system
left join in_recurrences on hospitals.source_system = in_recurrences.source_system
left join listed on hospitals.source_system = listed.source_system
left join {{ ref('hospitals_by_recurrence_sites') }} as sites on hospitals.source_system = sites.source_system
