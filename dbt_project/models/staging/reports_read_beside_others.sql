-- Reports of which a line is read by what else was sent: a short text by whether it is the only one of its code, 'final now, as sent
-- before' by the version before, and each version of a report of which single lines were corrected.
with versions as (
    select versions.*, corrections.record_id is not null as is_correction_of_lines
    from {{ ref('pathology_report_versions') }} as versions
    left join {{ ref('corrections_of_some_lines') }} as corrections on versions.record_id = corrections.record_id
),

parts as (
    select distinct source_system, study_id, accession_number, report_part
    from versions
    where is_correction_of_lines or list_contains(statuses, 'U')
)

select versions.study_id, versions.record_id
from versions
left join parts
    on versions.source_system = parts.source_system
    and versions.study_id = parts.study_id
    and versions.accession_number = parts.accession_number
    and versions.report_part is not distinct from parts.report_part
where versions.has_short_text or parts.study_id is not null
