-- Words on a report that a later one replaces: a later word on the same part, or a correction of no known part. One that sends only
-- what changed replaces nothing; neither do the orders of one message, which stand beside each other.
with words as (
    select * from {{ ref('pathology_report_versions') }}
    where is_word
)

select
    before.study_id,
    before.source_system,
    before.accession_number,
    before.record_id,
    max(later.report_version) as replaced_by_version
from words as before
inner join words as later
    on before.source_system = later.source_system
    and before.study_id = later.study_id
    and before.accession_number = later.accession_number
    and before.report_version < later.report_version
left join {{ ref('corrections_of_some_lines') }} as corrections on later.record_id = corrections.record_id
where corrections.record_id is null
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
group by before.study_id, before.source_system, before.accession_number, before.record_id
