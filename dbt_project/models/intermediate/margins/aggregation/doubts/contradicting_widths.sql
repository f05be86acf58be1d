-- Metastases of which a report states one margin twice, with widths that contradict each other: a decimal point that was lost
-- ('12 mm' here, '1.2 mm' there), or widths of two groups in two clauses that name nothing by which they could be told apart (no
-- size, side, segment, block or vessel, and the smaller alone is not said to be the closest, or the larger alone is) in a text that tells of
-- one metastasis.
{% set narrow = published_upper_mm(2) %}
{% set wide = published_upper_mm(3) %}
with corrected as (
    select distinct text_id
    from {{ ref('placed_margin_statements') }}
    where
        -- 'previous resection' in the history corrects nothing of this report
        (list_contains(marks, 'corrects') and evidence_kind not in ('history', 'block key', 'not assessed'))
        or list_contains(marks, 'amendment') or evidence_kind in ('original', 'superseded')
),

told as (
    select
        *,
        case when distance_mm < {{ narrow }} then 1 when distance_mm < {{ wide }} then 2 else 3 end as width_group
    from {{ ref('margin_widths') }}
    where evidence_kind = 'permanent' and not is_additional_margin
        and reading = 'distance' and comparator = '=' and margin_type in ('margin', 'parenchymal')
        and text_id not in (select text_id from corrected)
),

-- few texts tell widths of two groups
of_two_groups as (
    select text_id
    from told
    group by text_id
    having min(width_group) < max(width_group)
),

clauses as (
    select
        text_id,
        record_id,
        section,
        clause_number,
        bool_or(list_contains(marks, 'tells_apart') or (reading = 'distance' and margin_type = 'none')) as tells_apart,
        bool_or(regexp_extract(lower(clause_text), '{{ closest_pattern() }}', 0) <> '') as names_closest
    from {{ ref('placed_margin_statements') }}
    where text_id in (select text_id from of_two_groups)
    group by text_id, record_id, section, clause_number
),

several as (
    select text_id
    from {{ ref('placed_margin_statements') }}
    where evidence_kind = 'permanent' and text_id in (select text_id from of_two_groups)
    group by text_id
    having bool_or(list_contains(marks, 'several_metastases')) or count(distinct lesion_named) > 1 or count(distinct part) > 1
),

-- the distances of the parenchymal margin, each with what its clause says besides
distances as (
    select
        widths.text_id,
        widths.accession_number,
        widths.record_id,
        widths.section,
        widths.part,
        widths.lesion_label,
        widths.clause_number,
        widths.distance_mm,
        clauses.tells_apart,
        clauses.names_closest,
        widths.width_group,
        count(*) over (partition by widths.text_id, widths.record_id, widths.section, widths.clause_number) as distances_in_clause
    from told as widths
    inner join of_two_groups on widths.text_id = of_two_groups.text_id
    inner join clauses
        on widths.text_id = clauses.text_id
        and widths.record_id is not distinct from clauses.record_id
        and widths.section is not distinct from clauses.section
        and widths.clause_number = clauses.clause_number
),

pairs as (
    select
        wider.text_id,
        wider.part,
        wider.lesion_label,
        wider.distance_mm as wider_mm,
        narrower.distance_mm as narrower_mm,
        coalesce(wider.record_id, '') = coalesce(narrower.record_id, '')
        and coalesce(wider.section, '') = coalesce(narrower.section, '')
        and wider.clause_number = narrower.clause_number as is_in_one_clause,
        coalesce(wider.accession_number, '') = coalesce(narrower.accession_number, '')
        and coalesce(wider.record_id, '') = coalesce(narrower.record_id, '') as is_in_one_record,
        wider.distances_in_clause = 1 and narrower.distances_in_clause = 1 as is_alone_in_its_clause,
        wider.distances_in_clause = 2 and not wider.tells_apart as is_one_margin_told_twice,
        -- the closest of all is wider than that of one metastasis
        wider.lesion_label is null and narrower.lesion_label is not null as is_of_all_and_of_one,
        (wider.names_closest and not narrower.names_closest)
        or (wider.names_closest = narrower.names_closest and not (wider.tells_apart or narrower.tells_apart)) as is_nothing_told_apart
    from distances as wider
    inner join distances as narrower
        on wider.text_id = narrower.text_id
        and wider.part is not distinct from narrower.part
        and (wider.lesion_label is not distinct from narrower.lesion_label or (wider.lesion_label is null and wider.names_closest))
        and wider.width_group > narrower.width_group
)

select distinct
    text_id,
    part,
    lesion_label
from pairs
where
    (abs(wider_mm - 10 * narrower_mm) < 0.000001 and (is_one_margin_told_twice or not is_in_one_clause))
    or (
        is_in_one_record and not is_in_one_clause and is_alone_in_its_clause and is_nothing_told_apart
        and (is_of_all_and_of_one or text_id not in (select text_id from several))
    )
