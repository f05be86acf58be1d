-- Every statement that the margin of an index operation rests on or was weighed against: report and its version, specimen,
-- metastasis, the exact words, and the rule that read them.
select
    readings.text_id as study_id,
    readings.accession_number,
    reports.report_version,
    reports.report_status,
    readings.section,
    readings.specimen,
    readings.part,
    readings.lesion_label,
    readings.margin_type,
    readings.evidence_kind,
    readings.is_additional_margin,
    readings.reading,
    readings.comparator,
    readings.distance_mm,
    readings.rule,
    readings.evidence_text,
    readings.language,
    readings.clause_start,
    readings.clause_end,
    readings.words_start,
    readings.words_end,
    readings.clause_number,
    cast(
        row_number() over (
            partition by readings.record_id, readings.section, readings.specimen, readings.clause_number
            order by readings.rule, readings.distance_mm, readings.lesion_label, readings.margin_type, readings.words_start
        ) as integer
    ) as reading_number,
    readings.record_id as source_record_id
from {{ ref('margin_widths') }} as readings
inner join {{ ref('stg_pathology_reports') }} as reports on readings.record_id = reports.record_id
