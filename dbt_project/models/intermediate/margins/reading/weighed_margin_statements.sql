-- The statements that count for a margin, each of its kind: of the liver, of a margin whose distances (or whose involvement) count, no
-- implausible width, no code for 'not known', no extent of an involvement.
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
            end as reading,
            -- the microscope wins over the naked eye
            case
                when placed.reading = 'distance' and placed.distance_mm is distinct from {{ margin_setting('unknown_width_code_mm') }}
                    and list_contains(placed.marks, 'gross_length') and placed.evidence_kind = 'permanent' then 'gross'
                else placed.evidence_kind
            end as evidence_kind
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
            when placed.distance_mm = 0 and placed.comparator in ('=', '<=', 'within') then 'involved'
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
)

select * exclude (has_other_involved_margin, is_clause_of_involvement, counts_distance, counts_involvement)
from statements
where
    case when reading in ('distance', 'damaged') then counts_distance else counts_involvement end
    and coalesce(distance_mm, 0) <= {{ margin_setting('largest_plausible_margin_mm') }}
    -- the margin that is reached is the other one
    and not (kind = 'involved' and reading = 'distance' and margin_type = 'margin' and has_other_involved_margin)
    -- 'involves the margin over 4 mm': an extent
    and not (reading = 'distance' and is_clause_of_involvement and comparator in ('>', '>='))
