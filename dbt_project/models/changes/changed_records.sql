-- The records that tonight's staging looks at, at all versions of each: those of changed patients, and those about a report
-- that is one of theirs, because the latest of them is the report's last word whosever it is now.
with versions as (
    select versions.record_number, versions.report_number, coalesce(versions.told_study_id, identifiers.study_id) as study_id
    from {{ ref('record_versions') }} as versions
    left join {{ ref('stg_patient_identities') }} as identifiers
        on versions.source_system = identifiers.source_system and versions.mrn = identifiers.mrn
),

records as (
    select distinct record_number from versions
    where study_id in (select study_id from {{ ref('changed_patients') }})
),

reports as (
    select distinct report_number from versions
    where record_number in (select record_number from records) and report_number is not null
)

select record_number from records
union
select record_number from versions
where report_number in (select report_number from reports)
{% if is_full_refresh() %}-- looks at all
limit 0{% endif %}
