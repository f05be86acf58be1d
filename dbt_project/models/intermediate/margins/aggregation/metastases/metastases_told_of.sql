-- Metastases of which something is told: a distance, that they reach a margin, or that no tumour lives there.
select text_id, lesion_named
from {{ ref('placed_margin_statements') }}
where lesion_named is not null and (
    reading in ('no viable tumour', 'no tumour', 'involved', 'target', 'not assessable') or is_other_tumor
    or (reading in ('distance', 'damaged') and margin_type <> 'none')
)
union
select text_id, lesion_label as lesion_named from {{ ref('margin_widths') }}
where lesion_label is not null
