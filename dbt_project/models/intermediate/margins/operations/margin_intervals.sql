-- The widths that each index operation's margin may have by what is on record: a point, an interval, or everything above
-- ink for 'negative' without a distance. A margin that is open for another reason than its width has none.
select
    margins.study_id,
    case
        when margins.rule = 'adjudicated' then coalesce(margins.margin_mm, chosen.from_mm)
        when margins.rule = 'registry''s residual status' then margins.margin_mm
        else read.low_mm
    end as low_mm,
    case
        when margins.rule = 'registry''s residual status' then margins.margin_mm
        when margins.rule <> 'adjudicated' then read.high_mm
        else coalesce(margins.margin_mm, chosen.to_mm)
    end as high_mm,
    -- a group that a reviewer chose without a width reaches up to its end but does not hold it
    margins.rule = 'adjudicated' and margins.margin_mm is null and not chosen.is_to_included as is_high_excluded,
    margins.rule = 'adjudicated' and margins.margin_mm is null and not chosen.is_from_included as is_low_excluded
from {{ ref('operation_margins') }} as margins
left join {{ ref('text_margins') }} as read on margins.study_id = read.text_id
left join {{ ref('margin_definitions') }} as chosen
    on chosen.definition = 'published' and margins.margin_group = chosen.margin_group
where
    margins.margin_group <> 'unresolved'
    or (
        margins.unresolved_reason in ('distance not given', 'distance only bounded')
        and read.low_mm is not null
        and margins.rule <> 'adjudicated'
    )
