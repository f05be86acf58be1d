-- A metastasis that is named at a margin, but of whose margin nothing was understood.
select distinct placed.text_id, placed.lesion_named
from {{ ref('placed_margin_statements') }} as placed
left join {{ ref('margin_widths') }} as widths
    on placed.text_id = widths.text_id and placed.lesion_named = widths.lesion_label
where list_contains(placed.marks, 'names_counted_lesion')
    and list_contains(placed.marks, 'names_hepatic_margin')
    and placed.evidence_kind = 'permanent'
    and placed.is_of_liver and not placed.is_other_tumor and not placed.is_additional_margin
    and widths.text_id is null
