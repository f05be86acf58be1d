-- The bile duct's and the vessels' margins of a specimen, where they are spoken of for themselves: one that is clear, one that is not.
select
    text_id,
    record_id,
    part,
    evidence_kind,
    bool_or(reading = 'negative') as has_clear_one,
    bool_or(reading = 'involved') as has_involved_one
from {{ ref('placed_margin_statements') }}
where margin_type in ('bile_duct', 'vascular') and reading in ('negative', 'involved') and is_of_liver
group by text_id, record_id, part, evidence_kind
