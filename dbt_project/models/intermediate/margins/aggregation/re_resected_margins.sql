-- Texts in which an additional margin was resected, and whether tumour or a distance is stated for it.
with additional as (
    select distinct text_id
    from {{ ref('placed_margin_statements') }}
    -- also 'the main specimen is involved, a further margin was sent'
    where (is_additional_margin or list_contains(marks, 'additional')) and not list_contains(marks, 'denies_additional')
),

readings as (
    select
        text_id,
        bool_or(reading in ('involved', 'distance')) as has_tumor
    from {{ ref('margin_widths') }}
    where is_additional_margin and evidence_kind = 'permanent'
    group by text_id
)

select
    additional.text_id,
    coalesce(readings.has_tumor, false) as has_tumor
from additional
left join readings on additional.text_id = readings.text_id
