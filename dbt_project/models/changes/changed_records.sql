{{ config(post_hook="{{ put_records_of_tonight_aside() }}") }}
-- The records that tonight's staging looks at, at all versions of each: those of changed patients, and those about a report
-- that is one of theirs, because the latest of them is the report's last word whosever it is now.
with versions as (
    {{ record_versions_of_patients() }}
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
{% if is_everybody_computed() %}-- looks at all
limit 0{% endif %}
