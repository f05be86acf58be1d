-- What the permanent statements of one clause say together: whether the margin is involved, and whether all of it was understood.
select
    text_id,
    record_id,
    section,
    clause_number,
    bool_or(reading = 'involved') as is_involved,
    bool_or(reading in ('doubtful', 'word not known')) as is_doubtful,
    bool_or(reading = 'word not known') as has_word_not_known,
    bool_or(reading = 'unexplained' and low_mm > 0) as has_unexplained_distance,
    min(low_mm) filter (where reading in ('distance', 'involved', 'negative')) as low_mm,
    min(high_mm) filter (where reading in ('distance', 'involved', 'negative')) as high_mm
from {{ ref('margin_widths') }}
where evidence_kind = 'permanent' and not is_additional_margin
group by text_id, record_id, section, clause_number
