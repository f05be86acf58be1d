-- The lines of text of every pathology message, each with its section and specimen; a discrete statement (a number, a code, a
-- short text that is the only one of its code, which is no section's) is a line 'label: value unit' of the synoptic section.
-- A line that a later correction of single lines speaks of again is left out.
with {{ lines_of_messages() }},

placed as (
    select
        lines.record_id,
        reports.study_id,
        reports.accession_number,
        lines.line_sequence,
        lines.line,
        sections.section,
        coalesce(beside.is_statement, lines.line.kind = 'statement') as is_statement,
        case when beside.record_id is null then lines.line.value else beside.value end as value
    from lines
    inner join {{ ref('stg_pathology_reports') }} as reports on lines.record_id = reports.record_id
    left join {{ ref('pathology_sections') }} as sections on lines.line.loinc_code = sections.loinc_code
    -- HL7 table 0085: what each status of a line means, and whether such a line is read
    left join {{ ref('observation_statuses') }} as statuses on coalesce(lines.line.status, 'F') = statuses.status
    left join {{ ref('lines_read_beside_others') }} as beside
        on lines.record_id = beside.record_id and lines.line_sequence = beside.line_sequence
    where coalesce(statuses.is_read, 'yes') = 'yes' and not coalesce(beside.is_spoken_of_again, false)
)

select
    record_id,
    study_id,
    accession_number,
    cast(line_sequence as integer) as line_sequence,
    coalesce(line.section, case when is_statement then 'synoptic' end, section, 'comment') as section,
    line.specimen as specimen,
    case
        when is_statement
            then concat(line.label || ': ', value, ' ' || line.unit)
        else value
    end as line_text
from placed
