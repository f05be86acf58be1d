-- Every statement with the specimen and the organ it stands in: its own, else of the heading above it, else of the same specimen
-- label elsewhere in the report, else of the paragraph it was sent in. One that may be another organ's is kept as not understood.
with placed as (
    select
        statements.*,
        specimens.specimen_organ,
        specimens.is_specimen_additional,
        shared.text_id is not null as has_letter_of_another
    from {{ ref('statements_by_kind_of_evidence') }} as statements
    left join {{ ref('lettered_specimens') }} as specimens
        on statements.text_id = specimens.text_id
        and statements.accession_number is not distinct from specimens.accession_number
        and statements.specimen_key = specimens.specimen_key
    left join {{ ref('statements_under_a_letter_of_two_specimens') }} as shared
        on statements.text_id = shared.text_id
        and statements.accession_number is not distinct from shared.accession_number
        and statements.record_id is not distinct from shared.record_id
        and statements.section is not distinct from shared.section
        and statements.specimen is not distinct from shared.specimen
        and statements.clause_number = shared.clause_number
        and statements.words_start is not distinct from shared.words_start
        and statements.rule is not distinct from shared.rule
)

select
    placed.text_id,
    placed.accession_number,
    placed.record_id,
    placed.section,
    placed.specimen,
    placed.clause_number,
    placed.clause_start,
    placed.clause_end,
    placed.clause_text,
    placed.words_start,
    placed.words_end,
    placed.language,
    placed.rule,
    case
        when placed.has_letter_of_another and placed.reading not in ('distance', 'damaged') then 'not understood'
        else placed.reading
    end as reading,
    placed.certainty,
    case
        when placed.has_letter_of_another and placed.reading in ('distance', 'damaged') then 'unexplained'
        else placed.margin_type
    end as margin_type,
    placed.previous_margin_type,
    placed.lesion_label,
    placed.lesion_named,
    placed.comparator,
    placed.distance_mm,
    placed.up_to_mm,
    placed.marks,
    placed.evidence_kind,
    coalesce(placed.specimen_key, placed.part_site) as part,
    coalesce(placed.part_organ, placed.specimen_organ) as organ,
    not list_contains(placed.marks, 'main_specimen') and (
        list_contains(placed.marks, 'additional') or list_contains(placed.marks, 'additional_part')
        or (coalesce(placed.is_specimen_additional, false) and placed.part_label is null)
    ) as is_additional_margin,
    bowel.text_id is not null as has_bowel_specimen,
    (list_contains(placed.marks, 'other_tumor') and not list_contains(placed.marks, 'metastasis'))
    or other_tumors.text_id is not null as is_other_tumor,
    not list_contains(placed.marks, 'other_organ') and not list_contains(placed.marks, 'definition')
    and (
        coalesce(placed.part_organ, placed.specimen_organ) is distinct from 'other'
        or list_contains(placed.marks, 'names_liver_margin')
        or placed.has_letter_of_another
    ) as is_of_liver
from placed
left join {{ ref('texts_with_a_bowel_specimen') }} as bowel
    on placed.text_id = bowel.text_id
    and placed.accession_number is not distinct from bowel.accession_number
left join {{ ref('specimens_of_another_tumor') }} as other_tumors
    on placed.text_id = other_tumors.text_id
    and placed.accession_number is not distinct from other_tumors.accession_number
    and placed.specimen_key is not distinct from other_tumors.specimen_key
    and placed.part_site is not distinct from other_tumors.part_site
