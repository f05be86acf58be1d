-- The statements that count, each as the interval of widths (mm) it leaves open: involved = [0, 0], '4 mm' = [4, 4],
-- '<1 mm' = (0, 1), negative = (0, unbounded). The distance from 'the margin', where more than one hepatic margin is clear, leaves
-- the parenchymal one as wide or wider. What 'comes within 4 mm' is 4 mm away; at 1 mm, and wherever groups of widths divide, it may
-- be closer. Open ends are moved by a millionth of a millimetre.
{% set narrow = published_upper_mm(2) %}
{% set wide = published_upper_mm(3) %}
{% set step = smallest_step_mm() %}
{% set unbounded = unbounded_mm() %}
with stated as (
    select * replace (
        case
            when comparator = 'within' and (distance_mm = {{ narrow }} or distance_mm = {{ wide }}) then '<='
            when comparator = 'within' then '='
            else comparator
        end as comparator
    )
    from {{ ref('weighed_margin_statements') }}
),

measured as (
    select
        *,
        case
            when reading = 'damaged' then 0
            when reading = 'distance' then
                case comparator when '<' then {{ step }} when '<=' then {{ step }} when '>' then distance_mm + {{ step }} else distance_mm end
            when reading = 'negative' then {{ step }}
            else 0
        end as low_mm,
        case
            when reading = 'damaged' or may_be_of_another_margin then {{ unbounded }}
            when reading = 'distance' then
                case comparator
                    when '-' then up_to_mm
                    when '<' then distance_mm - {{ step }}
                    when '>' then coalesce(up_to_mm, {{ unbounded }})
                    when '>=' then coalesce(up_to_mm, {{ unbounded }})
                    else distance_mm
                end
            when reading = 'involved' then 0
            when reading = 'within 1 mm' then 1 - {{ step }}
            else {{ unbounded }}
        end as high_mm
    from stated
),

-- an addendum that decides the margin replaces what the original report says of it, another one adds to it
decided_again as (
    select distinct text_id as decided_text_id
    from {{ ref('weighed_margin_statements') }}
    where evidence_kind = 'permanent' and kind in ('involved', 'distance')
),

-- some metastases without viable tumour leave the distance of the others
viable_distances as (
    select distinct text_id from {{ ref('weighed_margin_statements') }}
    where kind = 'distance' and list_contains(marks, 'viable')
)

select
    text_id,
    accession_number,
    record_id,
    section,
    specimen,
    case when part is not null then concat_ws('/', accession_number, part) end as part,
    lesion_label,
    is_additional_margin,
    case
        when evidence_kind = 'original' and decided_text_id is null then 'permanent'
        else evidence_kind
    end as evidence_kind,
    clause_number,
    clause_start,
    clause_end,
    words_start,
    words_end,
    language,
    certainty,
    case
        when kind in ('involved', 'distance', 'within 1 mm', 'not assessable')
            and organ is null and has_bowel_specimen and margin_type = 'margin' and part is null
            and coalesce(previous_margin_type, 'bowel') not in ('parenchymal', 'bile_duct', 'vascular')
            then 'not assessable'
        when kind = 'within 1 mm' then 'distance'
        else kind
    end as reading,
    margin_type,
    case
        when reading = 'within 1 mm' then '<'
        when may_be_of_another_margin then '>='
        else coalesce(comparator, '=')
    end as comparator,
    distance_mm,
    low_mm,
    high_mm,
    list_contains(marks, 'remainder') as is_of_the_remainder,
    rule,
    clause_text as evidence_text
from measured
left join decided_again on measured.text_id = decided_again.decided_text_id
where
    (not is_other_tumor or kind = 'no tumour')
    and not (kind = 'no viable tumour' and text_id in (select text_id from viable_distances))
