-- The lines of reports that are read by what else was sent: whether each is a statement (a short text is, if it is the only one of its
-- code, which is no section's), its words where it says that they are as sent before, and whether a later correction of single lines
-- speaks of it again. Of all other reports a line is what it says itself.
{% set is_read_beside_others -%}
record_id in (select reports.record_id from {{ ref('reports_read_beside_others') }} as reports)
{%- endset %}
with {{ lines_of_messages(is_read_beside_others) }},

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
        lines.line.kind = 'statement' or (
            lines.line.kind = 'short text'
            and lines.line.label is not null
            and coalesce(lines.line.section, sections.section) is null
            and count(case when coalesce(statuses.is_read, 'yes') = 'yes' then 1 end)
                over (partition by lines.record_id, lines.line.loinc_code, lines.line.specimen) = 1
        ) as is_statement,
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
    cast(placed.line_sequence as integer) as line_sequence,
    placed.is_statement,
    placed.value,
    spoken_of_again.record_id is not null as is_spoken_of_again
from placed
left join spoken_of_again
    on placed.record_id = spoken_of_again.record_id and placed.line_sequence = spoken_of_again.line_sequence
