-- Texts that tell a distance of the largest of several metastases, not said to be the closest, and of no other metastasis.
with named as (
    select text_id
    from {{ ref('placed_margin_statements') }}
    group by text_id
    having bool_or(regexp_extract(lesion_named, '{{ largest_pattern() }}', 0) = '')
)

select text_id
from {{ ref('margin_widths') }}
where reading in ('distance', 'involved') and evidence_kind = 'permanent' and not is_additional_margin
    and text_id not in (select text_id from named)
group by text_id
having count(distinct lesion_label) = 1
    and bool_and(coalesce(regexp_extract(lesion_label, '{{ largest_pattern() }}', 0), '') <> '')
    and not bool_or(regexp_extract(lower(evidence_text), '{{ closest_pattern() }}', 0) <> '')
