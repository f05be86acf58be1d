-- '12 mm' here and '1.2 mm' there of one margin, in different groups: a decimal point was lost. Not where the text corrects itself.
with corrected as (
    select distinct text_id
    from {{ ref('placed_margin_statements') }}
    where list_contains(marks, 'corrects') or list_contains(marks, 'amendment') or evidence_kind in ('original', 'superseded')
),

exact_distances as (
    select * from {{ ref('margin_widths') }}
    where evidence_kind = 'permanent' and not is_additional_margin
        and reading = 'distance' and comparator = '=' and margin_type in ('margin', 'parenchymal')
        and text_id not in (select text_id from corrected)
)

select distinct wider.text_id, wider.part, wider.lesion_label
from exact_distances as wider
inner join exact_distances as narrower
    on wider.text_id = narrower.text_id
    and wider.part is not distinct from narrower.part
    and wider.lesion_label is not distinct from narrower.lesion_label
    and (wider.clause_number <> narrower.clause_number or wider.record_id is distinct from narrower.record_id
        or wider.section is distinct from narrower.section)
where abs(wider.distance_mm - 10 * narrower.distance_mm) < 0.000001
    and (narrower.distance_mm < {{ published_upper_mm('<1 mm') }} or wider.distance_mm >= {{ published_upper_mm('1.0-9.9 mm') }})
