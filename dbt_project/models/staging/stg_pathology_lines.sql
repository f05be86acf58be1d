-- The lines of text of every pathology message, each with its section and specimen.
with messages as (
    {{ latest_version('pathology_messages') }}
),

lines as (
    select
        source_system,
        mrn,
        accession_number,
        record_id,
        unnest(observations) as line,
        generate_subscripts(observations, 1) as line_sequence
    from messages
)

select
    lines.record_id,
    identifiers.study_id,
    lines.accession_number,
    cast(lines.line_sequence as integer) as line_sequence,
    coalesce(sections.section, 'comment') as section,
    lines.line.specimen as specimen,
    lines.line.value as line_text
from lines
inner join {{ ref('stg_patient_identities') }} as identifiers
    on lines.source_system = identifiers.source_system and lines.mrn = identifiers.mrn
left join {{ ref('pathology_sections') }} as sections on lines.line.loinc_code = sections.loinc_code
-- OBX-11 D and X: the line was deleted or cannot be had
where lines.line.status not in ('D', 'X')
