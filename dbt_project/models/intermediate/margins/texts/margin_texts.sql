-- The one relation that the margin reading starts from: text_id is what a margin is read for (here the index operation),
-- one row per paragraph. A caller may put any relation with these columns in its place (crlm read-margins does).
{% if var('margin_texts_relation', none) %}
select
    text_id,
    accession_number,
    record_id,
    section,
    specimen,
    text,
    md5(text) as text_hash,
    {{ crlm_text_key(['text_id', 'accession_number', 'record_id', 'section', 'specimen', 'text']) }} as text_key
from {{ var('margin_texts_relation') }}
{% else %}
with paragraphs as (
    select
        reports.study_id as text_id,
        reports.accession_number,
        reports.record_id,
        lines.section,
        nullif(upper(trim(lines.specimen)), '') as specimen,
        {{ crlm_join_lines('lines.line_text', 'chr(10)', 'lines.line_sequence') }} as text
    from {{ ref('operation_margin_reports') }} as reports
    inner join {{ ref('stg_pathology_lines') }} as lines on reports.record_id = lines.record_id
    where lines.line_text is not null
    group by all
)

select *, md5(text) as text_hash, {{ crlm_text_key(['text_id', 'accession_number', 'record_id', 'section', 'specimen', 'text']) }} as text_key
from paragraphs
{% endif %}
