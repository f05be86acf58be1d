-- Every pathology message as a version of its report, or of a part of it; the versions that count, and the addenda to them, are
-- current. Parts (several orders of one accession number) stand beside each other; a later word on the same part, or a correction
-- of no known part, replaces what was said before; a correction that sends only the changed lines leaves the others in force.
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
        list_distinct(list_transform(messages.observations, x -> coalesce(x.loinc_code, ''))) as codes,
        list_distinct(list_transform(messages.observations, x -> coalesce(x.status, ''))) as statuses,
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
),

with_what_was_before as (
    select
        *,
        is_word and count(case when is_word then 1 end) over earlier_of_part > 0 as is_of_known_part,
        flatten(list(case when is_word then set_ids end) over earlier_of_part) as earlier_set_ids,
        flatten(list(case when is_word then codes end) over earlier_of_part) as earlier_codes
    from ordered
    window earlier_of_part as (
        partition by source_system, study_id, accession_number, report_part
        order by report_version rows between unbounded preceding and 1 preceding
    )
),

corrections as (
    select record_id, list_has_all(['A', 'C', 'D', 'W', 'X'], statuses) as has_corrected_lines_only
    from with_what_was_before
    where is_of_known_part and report_status in ('final', 'corrected') and list_has_any(['A', 'C', 'D', 'W', 'X'], statuses)
),

versions as (
    select
        words.*,
        case
            -- not the first lines, and not all of them: what is sent is what changed
            when len(words.set_ids) > 0 and len(words.earlier_set_ids) > 0
                and not list_has_all(words.set_ids, words.earlier_set_ids)
                and (
                    list_min(words.set_ids) > list_min(words.earlier_set_ids)
                    or list_max(words.set_ids) - list_min(words.set_ids) + 1 > len(list_distinct(words.set_ids))
                )
                and corrections.record_id is not null
                then 'lines'
            -- only a few of the observations; a corrected report that is sent whole may lack one that it had
            when corrections.has_corrected_lines_only
                and not list_has_all(words.codes, words.earlier_codes)
                and 2 * len(words.codes) <= len(list_distinct(words.earlier_codes))
                then 'observations'
        end as corrects_only
    from with_what_was_before as words
    left join corrections on words.record_id = corrections.record_id
),

replacements as (
    select before.record_id as replaced_record_id, later.source_system, later.study_id, later.accession_number, later.report_version
    from versions as before
    inner join versions as later
        on before.source_system = later.source_system
        and before.study_id = later.study_id
        and before.accession_number = later.accession_number
        and before.report_version < later.report_version
    where before.is_word
        and later.is_word
        and later.corrects_only is null
        and (
            (
                before.report_part is not distinct from later.report_part
                and (
                    later.report_status in ('corrected', 'cancelled')
                    or (
                        before.message_control_id || coalesce(cast(before.sent_at as varchar), '')
                        is distinct from later.message_control_id || coalesce(cast(later.sent_at as varchar), '')
                        and (
                            later.reported_at is distinct from before.reported_at
                            or later.sent_at is distinct from before.sent_at
                        )
                    )
                )
            )
            or (later.report_status in ('corrected', 'cancelled') and not later.is_of_known_part)
        )
),

replaced as (
    select distinct replaced_record_id from replacements
),

words as (
    select
        versions.*,
        versions.is_word
            and versions.report_status <> 'cancelled'
            and replaced.replaced_record_id is null as is_word_in_force
    from versions
    left join replaced on versions.record_id = replaced.replaced_record_id
),

accessions as (
    select
        source_system,
        study_id,
        accession_number,
        min(case when is_word then reported_at end) as first_word_at,
        count(case when is_word then 1 end) > 0 as has_words,
        count(case when is_word_in_force then 1 end) > 0 as has_words_in_force
    from words
    group by source_system, study_id, accession_number
),

last_replacements as (
    select source_system, study_id, accession_number, max(report_version) as report_version
    from replacements
    group by source_system, study_id, accession_number
)

select
    words.study_id,
    words.accession_number,
    words.report_part,
    cast(words.report_version as integer) as report_version,
    words.report_status,
    words.collected_date,
    words.reported_at,
    words.is_addendum,
    words.corrects_only,
    words.is_word_in_force
    or (
        words.is_addendum
        and words.report_status in ('final', 'corrected')
        and (
            not accessions.has_words
            -- where nobody says when they were reported, the order of sending (report_version) is all that is known
            or (accessions.has_words_in_force and coalesce(words.reported_at >= accessions.first_word_at, true))
        )
        and words.report_version > coalesce(last_replacements.report_version, 0)
    ) as is_current,
    words.source_system,
    words.record_id
from words
inner join accessions
    on words.source_system = accessions.source_system
    and words.study_id = accessions.study_id
    and words.accession_number = accessions.accession_number
left join last_replacements
    on words.source_system = last_replacements.source_system
    and words.study_id = last_replacements.study_id
    and words.accession_number = last_replacements.accession_number
