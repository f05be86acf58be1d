-- The statements that count, each as the interval of widths (mm) it leaves open: involved = [0, 0], '4 mm' = [4, 4],
-- '<1 mm' = (0, 1), negative = (0, unbounded). The distance from 'the margin', where more than one hepatic margin is clear, leaves
-- the parenchymal one as wide or wider. Open ends are moved by a millionth of a millimetre.
{% set step = smallest_step_mm() %}
{% set unbounded = unbounded_mm() %}
with clauses_of_involvement as (
    select distinct text_id, record_id, section, specimen, clause_number
    from {{ ref('placed_margin_statements') }}
    where reading = 'involved' and is_of_liver
),

statements as (
    select
        placed.* replace (
            -- '99 mm' in a coded field: not known
            case
                when placed.reading = 'distance' and placed.distance_mm = {{ margin_setting('unknown_width_code_mm') }} then 'damaged'
                else placed.reading
            end as reading
        ),
        of_another.text_id is not null as may_be_of_another_margin,
        coalesce(other_margins.has_involved_one, false) as has_other_involved_margin,
        involved.text_id is not null as is_clause_of_involvement,
        case
            when placed.reading not in ('distance', 'damaged') then placed.reading
            when placed.reading = 'distance' and placed.distance_mm = {{ margin_setting('unknown_width_code_mm') }}
                and placed.margin_type <> 'unexplained' then 'damaged'
            when placed.reading = 'damaged' and placed.margin_type <> 'unexplained' then 'damaged'
            when placed.margin_type = 'unexplained' then 'unexplained'
            when placed.distance_mm = 0 and placed.comparator in ('=', '<=') then 'involved'
            else 'distance'
        end as kind,
        types.counts_distance,
        types.counts_involvement
    from {{ ref('placed_margin_statements') }} as placed
    inner join {{ ref('margin_types') }} as types on placed.margin_type = types.margin_type
    left join clauses_of_involvement as involved
        on placed.text_id = involved.text_id
        and placed.record_id is not distinct from involved.record_id
        and placed.section is not distinct from involved.section
        and placed.specimen is not distinct from involved.specimen
        and placed.clause_number = involved.clause_number
    left join {{ ref('duct_and_vessel_margins') }} as other_margins
        on placed.text_id = other_margins.text_id
        and placed.record_id is not distinct from other_margins.record_id
        and placed.part is not distinct from other_margins.part
        and placed.evidence_kind = other_margins.evidence_kind
    left join {{ ref('distances_that_may_be_of_duct_or_vessel') }} as of_another
        on placed.text_id = of_another.text_id
        and placed.accession_number is not distinct from of_another.accession_number
        and placed.record_id is not distinct from of_another.record_id
        and placed.section is not distinct from of_another.section
        and placed.specimen is not distinct from of_another.specimen
        and placed.clause_number = of_another.clause_number
        and placed.words_start is not distinct from of_another.words_start
        and placed.rule is not distinct from of_another.rule
    where placed.is_of_liver and placed.reading is not null
),

measured as (
    select
        * replace (
            case
                when reading = 'distance' and list_contains(marks, 'gross_length') and evidence_kind = 'permanent' then 'gross' else evidence_kind
            end as evidence_kind
        ),
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
    from statements
    where
        case when reading in ('distance', 'damaged') then counts_distance else counts_involvement end
        and coalesce(distance_mm, 0) <= {{ margin_setting('largest_plausible_margin_mm') }}
        -- the margin that is reached is the other one
        and not (kind = 'involved' and reading = 'distance' and margin_type = 'margin' and has_other_involved_margin)
        -- 'involves the margin over 4 mm': an extent
        and not (reading = 'distance' and is_clause_of_involvement and comparator in ('>', '>='))
),

-- an addendum that decides the margin replaces what the original report says of it, another one adds to it
decided_again as (
    select distinct text_id as decided_text_id
    from measured
    where evidence_kind = 'permanent' and kind in ('involved', 'distance')
),

-- some metastases without viable tumour leave the distance of the others
viable_distances as (
    select distinct text_id from measured
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
