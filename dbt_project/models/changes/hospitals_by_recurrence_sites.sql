-- Of each hospital's patients who recurred, how many have no readable site at their first definite evidence. Where there are too
-- many, the hospital cannot tell the endpoints that need a site. It concerns all patients of the hospital, so it is counted from raw
-- before it is known who changed: by MRN, after the first registered operation.
with latest as (
    {{ latest_of('follow_up', 'coalesce(versions.source_patient, versions.mrn)', records=ref('versions_told_as_definite')) }}
),

operations as (
    select source_system, mrn, min(operation_date) as operation_date
    from {{ source('raw', 'registry') }}
    group by source_system, mrn
),

statements as (
    select
        latest.source_system,
        latest.mrn,
        latest.event_date,
        -- a source that says in its contract that it states no site has said so
        latest.sites is null and coalesce(array_to_string(texts.sites, ';'), 'not_stated') = 'not_stated' as is_without_site
    from latest
    inner join operations on latest.source_system = operations.source_system and latest.mrn = operations.mrn
    left join {{ ref('stg_recurrence_site_texts') }} as texts
        -- one comparison, as in stg_follow_up_events
        on case when latest.sites is null then latest.sites_text end = texts.sites_text
    where latest.finding = 'definite'
        and coalesce(latest.record_status, 'active') <> 'cancelled'
        and not coalesce(latest.is_withdrawn, false)
        and {{ is_evidence_of_recurrence('latest') }}
        and latest.event_date > operations.operation_date
),

first_days as (
    select source_system, mrn, min(event_date) as event_date
    from statements
    group by source_system, mrn
),

patients as (
    select statements.source_system, statements.mrn, bool_and(statements.is_without_site) as is_without_site
    from statements
    inner join first_days
        on statements.source_system = first_days.source_system
        and statements.mrn = first_days.mrn
        and statements.event_date = first_days.event_date
    group by statements.source_system, statements.mrn
)

select
    source_system,
    count(*) as n_recurred,
    count(case when is_without_site then 1 end) as n_without_site,
    count(case when is_without_site then 1 end) > {{ clinical_setting('recurrences_without_site_warning_share') }} * count(*)
        as is_warned_of,
    count(case when is_without_site then 1 end) > {{ clinical_setting('most_recurrences_without_site_share') }} * count(*)
        as is_too_many
from patients
group by source_system
