-- A metastasis that is named and of which nothing is told, where every distance of the text is that of another one with a name, and none
-- is said to be the closest of all ('closest margin 7 mm (lesion 1)').
with named_distances as (
    select text_id
    from {{ ref('margin_widths') }}
    where reading in ('distance', 'involved') and evidence_kind = 'permanent' and not is_additional_margin
    group by text_id
    having bool_and(lesion_label is not null and regexp_extract(lesion_label, '{{ the_others_pattern() }}', 0) = '')
),

closest_of_all as (
    select distinct text_id
    from {{ ref('placed_margin_statements') }}
    where list_contains(marks, 'closest_of_all') and evidence_kind = 'permanent' and is_of_liver and not is_additional_margin
)

select distinct placed.text_id, placed.lesion_named
from {{ ref('placed_margin_statements') }} as placed
inner join named_distances on placed.text_id = named_distances.text_id
left join {{ ref('metastases_told_of') }} as told on placed.text_id = told.text_id and placed.lesion_named = told.lesion_named
left join {{ ref('largest_of_the_numbered_metastases') }} as largest
    on placed.text_id = largest.text_id and placed.lesion_named = largest.lesion_named
where list_contains(placed.marks, 'names_counted_lesion')
    and placed.evidence_kind = 'permanent'
    and placed.is_of_liver and not placed.is_other_tumor and not placed.is_additional_margin
    and told.text_id is null and largest.text_id is null
    and placed.text_id not in (select text_id from closest_of_all)
