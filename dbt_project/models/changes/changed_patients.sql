{{ config(post_hook=forget_changed_patients()) }}
-- The patients whose rows are computed tonight: their fingerprint is not what their rows were last built from, they are no
-- more, the rules are others, or they share a record or a report with such a patient: a record may move from one to another.
with differing as (
    select coalesce(now.study_id, built.study_id) as study_id
    from {{ ref('patient_fingerprints') }} as now
    full outer join {{ source('intermediate', 'built_patients') }} as built on now.study_id = built.study_id
    where now.study_id is null
        or now.fingerprint is distinct from built.fingerprint
        or built.derivation_version <> '{{ derivation_version() }}'
),

versions as (
    {{ record_versions_of_patients() }}
),

shared_records as (
    select distinct record_number from versions
    where study_id in (select study_id from differing)
),

shared_reports as (
    select distinct report_number from versions
    where record_number in (select record_number from shared_records) and report_number is not null
)

select study_id from differing
-- a full refresh computes everybody anyway
{% if not is_full_refresh() %}
union
select study_id from versions
where study_id is not null
    and (
        record_number in (select record_number from shared_records)
        or report_number in (select report_number from shared_reports)
    )
{% endif %}
