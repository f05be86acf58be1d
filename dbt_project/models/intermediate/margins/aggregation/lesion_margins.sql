-- One row per metastasis (or per specimen where the report numbers no metastases): what its permanent, microscopic statements
-- leave open. A specimen that holds tumour but whose margin is not mentioned leaves everything open.
-- Additional margins are judged apart (specimens of re-resection), specimens without tumour have no margin.
with used as (
    select *, margin_type in ('margin', 'parenchymal') as is_parenchymal
    from {{ ref('margin_widths') }}
    where evidence_kind = 'permanent' and not is_additional_margin
),

summarised as (
    select
        text_id,
        part,
        lesion_label,
        coalesce(bool_and(is_of_the_remainder) filter (where reading not in ('tumour', 'no tumour')), false) as is_remainder,
        bool_or(reading = 'involved') as is_involved,
        -- '0 mm' in a list of distances is one of them
        bool_or(reading = 'involved' and is_parenchymal and distance_mm is null)
            and bool_or(reading = 'distance' or (reading = 'damaged' and is_parenchymal))
            -- the margin that is reached may be the duct's or the vessel's that is named
            and not bool_or(reading = 'involved' and margin_type in ('bile_duct', 'vascular')) as has_status_and_distance,
        bool_or(reading = 'involved') and bool_or(reading = 'negative' and margin_type = 'margin')
            or bool_or(reading = 'involved' and is_parenchymal) and bool_or(reading = 'negative' and is_parenchymal)
            or bool_or(reading = 'involved' and margin_type = 'bile_duct') and bool_or(reading = 'negative' and margin_type = 'bile_duct')
            or bool_or(reading = 'involved' and margin_type = 'vascular') and bool_or(reading = 'negative' and margin_type = 'vascular')
            as has_opposite_statuses,
        bool_or(reading = 'not assessable') as is_not_assessable,
        -- of the very margin that is involved, or of one that has no name
        bool_or(reading = 'not assessable' and margin_type not in ('bile_duct', 'vascular'))
            or (bool_or(reading = 'not assessable' and margin_type = 'bile_duct') and not bool_or(reading = 'involved' and margin_type <> 'bile_duct'))
            or (bool_or(reading = 'not assessable' and margin_type = 'vascular') and not bool_or(reading = 'involved' and margin_type <> 'vascular'))
            as is_involved_one_not_assessable,
        bool_or(reading = 'no viable tumour') as is_without_viable_tumor,
        bool_or(reading = 'no tumour') and not bool_or(reading = 'tumour') as is_without_tumor,
        bool_or(reading = 'negative') as is_negative,
        bool_or(reading = 'not stated') as is_not_stated,
        min(low_mm) filter (where reading = 'distance' and low_mm = high_mm) as exact_mm,
        min(low_mm) filter (where reading = 'distance' and low_mm < high_mm) as bound_low_mm,
        min(high_mm) filter (where reading = 'distance' and low_mm < high_mm) as bound_high_mm,
        min(low_mm) filter (where reading = 'negative') as negative_low_mm,
        max(high_mm) filter (
            where reading in ('negative', 'not stated', 'not understood', 'not assessable') or (reading = 'tumour' and part is not null)
        ) as open_high_mm
    from used
    group by text_id, part, lesion_label
)

select
    summarised.text_id,
    summarised.part,
    summarised.lesion_label,
    is_remainder,
    case
        when is_involved then 0
        else coalesce({{ combined_low('exact_mm', 'exact_mm', 'bound_low_mm', 'bound_high_mm') }}, negative_low_mm,
            case when open_high_mm is not null then 0 end)
    end as low_mm,
    case
        when is_involved then 0
        else coalesce({{ combined_high('exact_mm', 'bound_high_mm') }}, open_high_mm)
    end as high_mm,
    case
        when contradicting.text_id is not null then 'statements conflict'
        when mixed.text_id is not null and not is_involved then 'no viable tumour'
        when has_status_and_distance then 'status and distance conflict'
        when has_opposite_statuses then 'statements conflict'
        when is_involved and is_without_viable_tumor then 'no viable tumour'
        when is_involved and is_involved_one_not_assessable then 'margin not assessable'
        when is_involved then null
        when is_not_assessable then 'margin not assessable'
    end as blocking_reason,
    is_without_viable_tumor and not is_involved as is_without_viable_tumor,
    is_without_tumor and not is_involved and exact_mm is null and bound_low_mm is null and not is_not_assessable as is_without_tumor
from summarised
left join {{ ref('metastases_without_viable_tumor_at_a_distance') }} as mixed
    on summarised.text_id = mixed.text_id
    and summarised.part is not distinct from mixed.part
    and summarised.lesion_label is not distinct from mixed.lesion_label
left join {{ ref('contradicting_widths') }} as contradicting
    on summarised.text_id = contradicting.text_id
    and summarised.part is not distinct from contradicting.part
    and summarised.lesion_label is not distinct from contradicting.lesion_label
