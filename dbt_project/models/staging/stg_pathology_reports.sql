-- Every pathology message as a version of its report, or of a part of it; the versions that count, and the addenda to them, are
-- current. Parts (several orders of one accession number) stand beside each other; a later word on the same part, or a correction
-- of no known part, replaces what was said before; a correction that sends only the changed lines leaves the others in force.
with words as (
    select
        versions.*,
        corrections.corrects_only,
        versions.is_word
            and versions.report_status <> 'cancelled'
            and replaced.record_id is null as is_word_in_force
    from {{ ref('pathology_report_versions') }} as versions
    left join {{ ref('corrections_of_some_lines') }} as corrections on versions.record_id = corrections.record_id
    left join {{ ref('replaced_pathology_reports') }} as replaced on versions.record_id = replaced.record_id
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
    select source_system, study_id, accession_number, max(replaced_by_version) as report_version
    from {{ ref('replaced_pathology_reports') }}
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
