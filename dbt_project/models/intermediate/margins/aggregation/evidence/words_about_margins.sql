-- All that a text says about margins, in its own words and in its order.
with distinct_words as (
    select
        text_id,
        evidence_text,
        min(record_id) as record_id,
        min(accession_number) as accession_number,
        min(coalesce(record_id, '') || lpad(cast(clause_number as varchar), 6, '0')) as first_clause
    from {{ ref('margin_widths') }}
    where reading not in ('tumour', 'no tumour', 'target') and {{ of_one_part(['text_id']) }}
    group by text_id, evidence_text
)

select
    text_id,
    {{ crlm_join_lines('evidence_text', "' | '", 'first_clause, evidence_text') }} as evidence_text,
    min(record_id) as record_id,
    min(accession_number) as accession_number
from distinct_words
group by text_id
