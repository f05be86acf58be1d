-- One row per specimen: the smallest over its metastases, together with statements about the specimen as a whole.
with lesions as (
    select * from {{ ref('lesion_margins') }}
),

numbered_lesions as (
    select
        text_id,
        part,
        min(low_mm) filter (where not is_without_viable_tumor) as low_mm,
        min(high_mm) filter (where not is_without_viable_tumor) as high_mm,
        bool_and(is_remainder) as are_remainder,
        -- one that is involved decides, whatever cannot be assessed of the others
        case
            when bool_or(high_mm = 0 and blocking_reason is null)
                then max(blocking_reason) filter (where blocking_reason <> 'margin not assessable')
            else max(blocking_reason)
        end as blocking_reason,
        -- 'the main tumour', 'three of them': there are others without a name
        bool_and(regexp_extract(lesion_label, '{{ some_lesions_pattern() }}', 0) <> '') as are_some,
        bool_and(is_without_viable_tumor) as are_without_viable_tumor
    from lesions
    where lesion_label is not null
    group by text_id, part
),

whole as (
    select * from lesions
    where lesion_label is null
),

joined as (
    select
        coalesce(whole.text_id, numbered_lesions.text_id) as text_id,
        coalesce(whole.part, numbered_lesions.part) as part,
        whole.low_mm as own_low_mm,
        whole.high_mm as own_high_mm,
        coalesce(whole.is_remainder, false) as is_own_remainder,
        numbered_lesions.low_mm as lesion_low_mm,
        numbered_lesions.high_mm as lesion_high_mm,
        coalesce(numbered_lesions.are_remainder, false) as are_remainder,
        coalesce(numbered_lesions.are_some, false) as are_some,
        coalesce(whole.blocking_reason, numbered_lesions.blocking_reason) as blocking_reason,
        coalesce(whole.is_without_viable_tumor, false) or coalesce(numbered_lesions.are_without_viable_tumor, false) as is_without_viable_tumor,
        coalesce(whole.is_without_tumor, false) and numbered_lesions.low_mm is null as is_without_tumor
    from whole
    full outer join numbered_lesions
        on whole.text_id = numbered_lesions.text_id and whole.part is not distinct from numbered_lesions.part
)

select
    text_id,
    part,
    {{ combined_low('own_low_mm', 'own_high_mm', 'lesion_low_mm', 'lesion_high_mm') }} as low_mm,
    {{ combined_high('own_high_mm', 'lesion_high_mm') }} as high_mm,
    case
        when {{ is_contradiction('own_low_mm', 'own_high_mm', 'lesion_low_mm', 'lesion_high_mm') }}
            and not ((are_remainder or are_some) and own_high_mm = 0) and not (is_own_remainder and lesion_high_mm = 0) then 'status and distance conflict'
        else blocking_reason
    end as blocking_reason,
    is_without_viable_tumor,
    is_without_tumor
from joined
