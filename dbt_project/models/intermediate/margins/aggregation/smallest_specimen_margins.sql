-- The smallest margin over the liver specimens of a text, together with what is said of no specimen in particular. Specimens without
-- tumour have no margin.
with specimens as (
    select * from {{ ref('specimen_margins') }}
    where not is_without_tumor
),

parts as (
    select
        text_id,
        min(low_mm) filter (where not is_without_viable_tumor) as low_mm,
        min(high_mm) filter (where not is_without_viable_tumor) as high_mm,
        -- one that is involved decides, whatever cannot be assessed of the others
        case
            when bool_or(high_mm = 0 and blocking_reason is null)
                then max(blocking_reason) filter (where blocking_reason <> 'margin not assessable')
            else max(blocking_reason)
        end as blocking_reason,
        bool_and(is_without_viable_tumor) as are_without_viable_tumor
    from specimens
    where part is not null
    group by text_id
),

whole as (
    select * from specimens
    where part is null
)

select
    coalesce(whole.text_id, parts.text_id) as text_id,
    {{ combined_low('whole.low_mm', 'whole.high_mm', 'parts.low_mm', 'parts.high_mm') }} as low_mm,
    {{ combined_high('whole.high_mm', 'parts.high_mm') }} as high_mm,
    case
        when {{ is_contradiction('whole.low_mm', 'whole.high_mm', 'parts.low_mm', 'parts.high_mm') }} then 'status and distance conflict'
        else coalesce(whole.blocking_reason, parts.blocking_reason)
    end as blocking_reason,
    coalesce(whole.is_without_viable_tumor, false) or coalesce(parts.are_without_viable_tumor, false) as is_without_viable_tumor
from whole
full outer join parts on whole.text_id = parts.text_id
