-- 'No viable tumour' in one clause and a distance in another: of another metastasis, or of what is left of this one?
with clauses as (
    select
        text_id,
        part,
        lesion_label,
        bool_or(reading = 'no viable tumour') as is_without_viable_tumor,
        bool_or(reading = 'distance') as has_distance
    from {{ ref('margin_widths') }}
    where evidence_kind = 'permanent' and not is_additional_margin
    group by text_id, part, lesion_label, record_id, section, clause_number
)

select text_id, part, lesion_label
from clauses
group by text_id, part, lesion_label
having bool_or(is_without_viable_tumor) and bool_or(has_distance and not is_without_viable_tumor)
