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
    where lines.line_text is not null and {{ of_one_part(['reports.study_id']) }}
    group by all
),

-- the registry's own margin column, in the words of a synoptic report, as which it ranks; records of one day are specimens of one
-- operation, of which the smallest counts
of_registry as (
    select
        index_operations.study_id as text_id,
        'registry' as accession_number,
        operations.record_id,
        'synoptic' as section,
        case
            when count(*) over (partition by index_operations.study_id) > 1
                then chr(cast(64 + row_number() over (partition by index_operations.study_id order by operations.record_id) as integer))
        end as specimen,
        concat_ws(
            chr(10),
            case operations.margin_status
                when 'involved' then 'Hepatic parenchymal margin: involved by tumor'
                when 'uninvolved' then 'Hepatic parenchymal margin: uninvolved by tumor'
                when 'not_assessable' then 'Hepatic parenchymal margin: cannot be assessed'
            end,
            'Hepatic parenchymal margin: ' || operations.margin_mm_told || ' mm'
        ) as text
    from {{ ref('index_operations') }} as index_operations
    inner join {{ ref('curative_intent_operations') }} as operations
        on index_operations.study_id = operations.study_id
        and index_operations.index_operation_date = operations.operation_date
    where (operations.margin_status is not null or operations.margin_mm_told is not null)
        and {{ of_one_part(['index_operations.study_id']) }}
),

paragraphs_and_columns as (
    select * from paragraphs
    union all
    select * from of_registry
)

select *, md5(text) as text_hash, {{ crlm_text_key(['text_id', 'accession_number', 'record_id', 'section', 'specimen', 'text']) }} as text_key
from paragraphs_and_columns
{% endif %}
