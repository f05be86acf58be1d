-- '3 deposits, the largest 4 cm across', where something is told of metastases 1, 2 and 3: the largest is one of them, none beside them.
with numbered as (
    select text_id, count(distinct lesion_named) as n_told
    from {{ ref('metastases_told_of') }}
    where regexp_extract(lesion_named, '{{ numbered_lesion_pattern() }}', 0) <> ''
    group by text_id
)

select distinct placed.text_id, placed.lesion_named
from {{ ref('placed_margin_statements') }} as placed
inner join numbered on placed.text_id = numbered.text_id
where regexp_extract(placed.lesion_named, '{{ by_size_pattern() }}', 0) <> ''
    and not list_contains(placed.marks, 'names_hepatic_margin')
    and {{ lesions_counted('placed.clause_text') }} <= numbered.n_told
