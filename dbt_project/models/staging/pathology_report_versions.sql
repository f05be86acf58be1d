-- Every pathology message as a version of its report or of one of its parts, in the order of reporting: is it a word on the report
-- (neither an addendum nor preliminary), and has the same part been reported before?
with messages as (
    {{ latest_version('pathology_messages') }}
),

typed as (
    select
        identifiers.study_id,
        messages.accession_number,
        messages.report_part,
        messages.report_status,
        cast(messages.collected_date as date) as collected_date,
        cast(messages.reported_datetime as timestamp) as reported_at,
        cast(messages.message_datetime as timestamp) as sent_at,
        messages.message_control_id,
        cast(messages.order_number as integer) as order_number,
        len(messages.observations) > 0 and len(list_filter(
            messages.observations, x -> coalesce(x.section, case when x.loinc_code = '22639-9' then 'addendum' end, '') <> 'addendum'
        )) = 0 as is_addendum,
        list_filter(list_transform(messages.observations, x -> try_cast(x.set_id as integer)), x -> x is not null) as set_ids,
        list_sort(list_distinct(list_transform(messages.observations, x -> coalesce(x.loinc_code, '')))) as codes,
        list_sort(list_distinct(list_transform(messages.observations, x -> coalesce(x.status, '')))) as statuses,
        len(list_filter(messages.observations, x -> x.kind = 'short text')) > 0 as has_short_text,
        messages.source_system,
        messages.record_id
    from messages
    inner join {{ ref('stg_patient_identities') }} as identifiers
        on messages.source_system = identifiers.source_system and messages.mrn = identifiers.mrn
),

ordered as (
    select
        *,
        -- a preliminary report never counts
        not is_addendum and report_status <> 'preliminary' as is_word,
        row_number() over (
            partition by source_system, study_id, accession_number order by reported_at, sent_at, order_number, record_id
        ) as report_version
    from typed
)

select
    * exclude (order_number),
    is_word and count(case when is_word then 1 end) over (
        partition by source_system, study_id, accession_number, report_part
        order by report_version rows between unbounded preceding and 1 preceding
    ) > 0 as is_of_known_part
from ordered
