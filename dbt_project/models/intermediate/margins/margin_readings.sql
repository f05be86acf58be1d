-- The mentions that count, each as the interval of widths (mm) it leaves open: involved = [0, 0], '4 mm' = [4, 4],
-- '<1 mm' = (0, 1), negative = (0, unbounded). Open ends are moved by a millionth of a millimetre.
{% set step = smallest_step_mm() %}
{% set unbounded = unbounded_mm() %}
with distances as (
    select
        mentions.* exclude (own_lesion_label, is_gross_distance, distance_number, comparator, distance_mm, up_to_mm, evidence_kind),
        case when is_gross_distance and evidence_kind = 'permanent' then 'gross' else evidence_kind end as evidence_kind,
        case
            when mentions.margin_type = 'unexplained' then 'unexplained'
            when distance_mm = 0 and comparator in ('', '<=') then 'involved'
            else 'distance'
        end as reading,
        comparator,
        distance_mm,
        case comparator
            when '<' then {{ step }} when '<=' then {{ step }}
            when '>' then distance_mm + {{ step }} else distance_mm
        end as low_mm,
        case comparator
            when '-' then up_to_mm when '<' then distance_mm - {{ step }} when '>' then coalesce(up_to_mm, {{ unbounded }}) when '>=' then coalesce(up_to_mm, {{ unbounded }}) else distance_mm
        end as high_mm
    from {{ ref('margin_distance_mentions') }} as mentions
    inner join {{ ref('margin_types') }} as types on mentions.margin_type = types.margin_type and types.counts_distance
),

statuses as (
    select
        mentions.* exclude (margin_status, evidence_kind),
        evidence_kind,
        case margin_status when 'within 1 mm' then 'distance' else margin_status end as reading,
        case margin_status when 'within 1 mm' then '<' end as comparator,
        cast(null as double) as distance_mm,
        case when margin_status = 'involved' then 0 when margin_status = 'negative' then {{ step }} else 0 end as low_mm,
        case margin_status when 'involved' then 0 when 'within 1 mm' then 1 - {{ step }} else {{ unbounded }} end as high_mm
    from {{ ref('margin_status_mentions') }} as mentions
    inner join {{ ref('margin_types') }} as types on mentions.margin_type = types.margin_type and types.counts_involvement
),

readings as (
    select * from distances
    union all by name
    select * from statuses
),

-- an addendum that decides the margin replaces what the original report says of it, another one adds to it
decided_again as (
    select distinct text_id from readings where evidence_kind = 'permanent' and reading in ('involved', 'distance')
),

-- some metastases without viable tumour leave the distance of the others
viable_distances as (
    select distinct text_id from readings where reading = 'distance' and {{ crlm_regexp_matches('lower(clause_text)', '(?:^|%|with|contains|of|[.,:]) ?(?:the )?' ~ margin_words('viable_tumor')) }}
)

select
    text_id, accession_number, record_id, section, specimen,
    case when part is not null then concat_ws('/', accession_number, part) end as part,
    lesion_label, is_additional_margin,
    case
        when evidence_kind = 'original' and text_id not in (select text_id from decided_again) then 'permanent'
        else evidence_kind
    end as evidence_kind,
    clause_number,
    case when reading not in ('no tumour', 'tumour', 'no viable tumour', 'not stated', 'not understood', 'question', 'negative', 'unexplained') and organ is null and has_bowel_specimen and margin_type = 'margin' and part is null
            and coalesce(previous_margin_type, 'bowel') not in ('parenchymal', 'bile_duct', 'vascular')
        then 'not assessable' else reading end as reading,
    margin_type, coalesce(nullif(comparator, ''), '=') as comparator, distance_mm, low_mm, high_mm,
    rule, clause_text as evidence_text
from readings
where (not is_other_tumor or reading = 'no tumour')
    and not (reading = 'no viable tumour' and text_id in (select text_id from viable_distances))
