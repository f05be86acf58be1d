-- Every pathology message as a version of its report; the version that counts, and the addenda to it, are current.
with messages as (
    {{ latest_version('pathology_messages') }}
),

typed as (
    select
        identifiers.study_id,
        messages.accession_number,
        messages.report_status,
        cast(messages.collected_date as date) as collected_date,
        cast(messages.reported_datetime as timestamp) as reported_at,
        cast(messages.message_datetime as timestamp) as sent_at,
        len(list_filter(messages.observations, x -> x.loinc_code <> '22639-9')) = 0 as is_addendum,
        messages.source_system,
        messages.record_id
    from messages
    inner join {{ ref('stg_patient_identities') }} as identifiers
        on messages.source_system = identifiers.source_system and messages.mrn = identifiers.mrn
),

ordered as (
    select
        *,
        row_number() over (
            partition by source_system, accession_number order by reported_at, sent_at, record_id
        ) as report_version,
        -- a preliminary report never counts; a cancelled one counts as the last word, and that word is none
        row_number() over (
            partition by source_system, accession_number, is_addendum or report_status = 'preliminary'
            order by reported_at desc, sent_at desc, record_id desc
        ) = 1 and not is_addendum and report_status <> 'preliminary' as is_last_word
    from typed
),

last_words as (
    select source_system, accession_number, report_status, reported_at
    from ordered
    where is_last_word
)

select
    ordered.study_id,
    ordered.accession_number,
    cast(ordered.report_version as integer) as report_version,
    ordered.report_status,
    ordered.collected_date,
    ordered.reported_at,
    ordered.is_addendum,
    coalesce(last_words.report_status, '') <> 'cancelled' and (
        ordered.is_last_word
        or (
            ordered.is_addendum
            and ordered.report_status in ('final', 'corrected')
            and (last_words.reported_at is null or ordered.reported_at >= last_words.reported_at)
        )
    ) as is_current,
    ordered.source_system,
    ordered.record_id
from ordered
left join last_words
    on ordered.source_system = last_words.source_system and ordered.accession_number = last_words.accession_number
