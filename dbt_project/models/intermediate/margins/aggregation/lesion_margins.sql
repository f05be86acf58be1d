-- One row per metastasis (or per specimen where the report numbers no metastases): what its permanent, microscopic statements
-- leave open. A specimen that holds tumour but whose margin is not mentioned leaves everything open.
-- Additional margins are judged apart (specimens of re-resection), specimens without tumour have no margin.
with used as (
    select *, margin_type in ('margin', 'parenchymal') as is_parenchymal
    from {{ ref('margin_widths') }}
    where evidence_kind = 'permanent' and not is_additional_margin
),

-- 'no viable tumour' in one clause and a distance in another: of another metastasis, or of what is left of this one?
clauses as (
    select
        text_id,
        part,
        lesion_label,
        clause_number,
        bool_or(reading = 'no viable tumour') as is_without_viable_tumor,
        bool_or(reading = 'distance') as has_distance
    from used
    group by text_id, part, lesion_label, record_id, section, clause_number
),

mixed as (
    select text_id, part, lesion_label
    from clauses
    group by text_id, part, lesion_label
    having bool_or(is_without_viable_tumor) and bool_or(has_distance and not is_without_viable_tumor)
),

corrected as (
    select distinct text_id
    from {{ ref('placed_margin_statements') }}
    where list_contains(marks, 'corrects') or list_contains(marks, 'amendment') or evidence_kind in ('original', 'superseded')
),

-- '12 mm' here and '1.2 mm' there of one margin: a decimal point was lost
slips as (
    select distinct wider.text_id, wider.part, wider.lesion_label
    from used as wider
    inner join used as narrower
        on wider.text_id = narrower.text_id
        and wider.part is not distinct from narrower.part
        and wider.lesion_label is not distinct from narrower.lesion_label
        and (wider.clause_number <> narrower.clause_number or wider.record_id is distinct from narrower.record_id
            or wider.section is distinct from narrower.section)
    where wider.reading = 'distance' and wider.comparator = '=' and wider.is_parenchymal
        and narrower.reading = 'distance' and narrower.comparator = '=' and narrower.is_parenchymal
        and abs(wider.distance_mm - 10 * narrower.distance_mm) < 0.000001
        and wider.text_id not in (select text_id from corrected)
        and (narrower.distance_mm < {{ published_upper_mm('<1 mm') }} or wider.distance_mm >= {{ published_upper_mm('1.0-9.9 mm') }})
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
        when slips.text_id is not null then 'statements conflict'
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
left join mixed
    on summarised.text_id = mixed.text_id
    and summarised.part is not distinct from mixed.part
    and summarised.lesion_label is not distinct from mixed.lesion_label
left join slips
    on summarised.text_id = slips.text_id
    and summarised.part is not distinct from slips.part
    and summarised.lesion_label is not distinct from slips.lesion_label
