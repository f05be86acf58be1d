-- A distance 'from the closest margin' does not say from which: where a duct's or a vessel's margin is clear too, or was named as the
-- closest just before, the parenchymal one is as wide or wider.
with named_closest as (
    -- 'Closest margin: bile duct', before the line that says how close
    select distinct text_id, record_id, section, specimen, clause_number
    from {{ ref('placed_margin_statements') }}
    where list_contains(marks, 'names_closest_margin')
),

specified as (
    -- 'Specify margin: parenchymal', below the distance
    select distinct text_id, record_id, section, specimen, clause_number
    from {{ ref('placed_margin_statements') }}
    where list_contains(marks, 'specifies_parenchyma')
)

select distinct
    placed.text_id,
    placed.accession_number,
    placed.record_id,
    placed.section,
    placed.specimen,
    placed.clause_number,
    placed.words_start,
    placed.rule
from {{ ref('placed_margin_statements') }} as placed
left join {{ ref('duct_and_vessel_margins') }} as other_margins
    on placed.text_id = other_margins.text_id
    and placed.record_id is not distinct from other_margins.record_id
    and placed.part is not distinct from other_margins.part
    and placed.evidence_kind = other_margins.evidence_kind
left join named_closest
    on placed.text_id = named_closest.text_id
    and placed.record_id is not distinct from named_closest.record_id
    and placed.section is not distinct from named_closest.section
    and placed.specimen is not distinct from named_closest.specimen
    and placed.clause_number = named_closest.clause_number + 1
left join specified
    on placed.text_id = specified.text_id
    and placed.record_id is not distinct from specified.record_id
    and placed.section is not distinct from specified.section
    and placed.specimen is not distinct from specified.specimen
    and placed.clause_number = specified.clause_number - 1
where placed.reading = 'distance' and placed.margin_type = 'margin'
    and not list_contains(placed.marks, 'names_parenchyma')
    and coalesce(placed.previous_margin_type, 'margin') <> 'parenchymal'
    and (
        (coalesce(other_margins.has_clear_one, false) and list_contains(placed.marks, 'of_closest_margin') and specified.text_id is null)
        or (placed.previous_margin_type in ('bile_duct', 'vascular') and named_closest.text_id is not null)
    )
