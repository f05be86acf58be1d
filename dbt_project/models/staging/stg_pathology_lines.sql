-- The lines of text of every pathology message, each with its section and specimen; a discrete statement (a number, a code, a
-- short text that is the only one of its code, which is no section's) is a line 'label: value unit' of the synoptic section.
-- A line that a later correction of single lines speaks of again is left out.
with messages as (
    {{ latest_version('pathology_messages') }}
),

lines as (
    select
        record_id,
        unnest(observations) as line,
        generate_subscripts(observations, 1) as line_sequence
    from messages
),

placed as (
    select
        lines.record_id,
        reports.source_system,
        reports.study_id,
        reports.accession_number,
        reports.report_part,
        reports.report_version,
        reports.corrects_only,
        lines.line_sequence,
        lines.line,
        sections.section,
        lines.line.kind = 'statement' or (
            lines.line.kind = 'short text'
            and lines.line.label is not null
            and coalesce(lines.line.section, sections.section) is null
            and count(case when coalesce(statuses.is_read, 'yes') = 'yes' then 1 end)
                over (partition by lines.record_id, lines.line.loinc_code, lines.line.specimen) = 1
        ) as is_statement,
        -- HL7 table 0085: what each status of a line means, and whether such a line is read
        coalesce(statuses.is_read, 'yes') = 'yes' as is_read,
        -- 'final now, as sent before' repeats no text
        case
            when lines.line.status = 'U' then coalesce(lines.line.value, last_value(lines.line.value ignore nulls) over (
                partition by
                    reports.source_system, reports.study_id, reports.accession_number, reports.report_part,
                    lines.line.set_id, lines.line.loinc_code
                order by reports.report_version, lines.line_sequence rows between unbounded preceding and 1 preceding
            ))
            else lines.line.value
        end as value
    from lines
    inner join {{ ref('stg_pathology_reports') }} as reports on lines.record_id = reports.record_id
    left join {{ ref('pathology_sections') }} as sections on lines.line.loinc_code = sections.loinc_code
    left join {{ ref('observation_statuses') }} as statuses on coalesce(lines.line.status, 'F') = statuses.status
),

spoken_of_again as (
    select distinct before.record_id, before.line_sequence
    from placed as before
    inner join placed as later
        on before.source_system = later.source_system
        and before.study_id = later.study_id
        and before.accession_number = later.accession_number
        and before.report_part is not distinct from later.report_part
        and before.report_version < later.report_version
        and before.line.loinc_code is not distinct from later.line.loinc_code
    where (later.corrects_only = 'lines' and before.line.set_id = later.line.set_id)
        or (later.corrects_only = 'observations' and before.line.specimen is not distinct from later.line.specimen)
)

select
    placed.record_id,
    placed.study_id,
    placed.accession_number,
    cast(placed.line_sequence as integer) as line_sequence,
    coalesce(placed.line.section, case when placed.is_statement then 'synoptic' end, placed.section, 'comment') as section,
    placed.line.specimen as specimen,
    case
        when placed.is_statement
            then concat(placed.line.label || ': ', placed.value, ' ' || placed.line.unit)
        else placed.value
    end as line_text
from placed
left join spoken_of_again
    on placed.record_id = spoken_of_again.record_id and placed.line_sequence = spoken_of_again.line_sequence
where placed.is_read and spoken_of_again.record_id is null
