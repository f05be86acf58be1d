-- Every statement with the specimen, organ and section it stands in: its own, else of the heading above it, else of the same
-- specimen label elsewhere in the report, else of the paragraph it was sent in. Where two kinds of headings share a letter
-- ('A. Liver: ... Specimen B: 0.8 mm. B. Gallbladder') nobody can say whose a statement is: it is kept as one not understood.
with statements as (
    select
        texts.text_id,
        texts.accession_number,
        texts.record_id,
        texts.section,
        texts.specimen,
        statements.* exclude (rules_version, read_in_run, text_hash),
        coalesce(nullif(upper(regexp_extract(statements.part_label, '([a-z0-9]+)\W*$', 1)), ''), texts.specimen) as specimen_key,
        -- 'specimen' of 'Specimen B', nothing of 'B.'
        regexp_extract(statements.part_label, '^([a-z]+) ', 1) as specimen_word,
        statements.clause_number < max(case when list_contains(statements.marks, 'amendment') then statements.clause_number end)
            over (partition by texts.text_key) as is_above_amendment
    from {{ ref('margin_texts') }} as texts
    inner join {{ ref('margin_statements') }} as statements on texts.text_hash = statements.text_hash
    where statements.clause_number is not null
),

labelled as (
    select
        *,
        case
            when clause_section is not null then clause_section
            when section not in ('intraoperative', 'gross') and is_above_amendment and coalesce(section_named, 'permanent') = 'permanent'
                then 'original'
            when section_named = 'amended' then 'permanent'
            when section in ('intraoperative', 'gross') then section
            when section_named is not null then section_named
            else 'permanent'
        end as evidence_kind
    from statements
),

specimens as (
    select
        text_id,
        accession_number,
        specimen_key,
        arg_min(part_organ, (clause_number, section, part_organ)) filter (where part_organ is not null) as specimen_organ,
        arg_min(specimen_word, (clause_number, section, part_organ)) filter (where part_organ is not null) as specimen_word,
        min(clause_number) filter (where part_organ is not null) as specimen_clause,
        bool_or(list_contains(marks, 'additional_part')) as is_specimen_additional
    from labelled
    where specimen_key is not null and section <> 'gross'
    group by text_id, accession_number, specimen_key
),

bowel_reports as (
    select distinct
        text_id,
        accession_number
    from labelled
    where part_organ = 'other' and starts_part and list_contains(marks, 'bowel')
),

-- specimens with a benign lesion or another cancer, whose margins never count: is a metastasis named beside it?
tumors as (
    select
        text_id,
        accession_number,
        specimen_key,
        part_site,
        bool_or(list_contains(marks, 'other_malignancy')) as has_other_malignancy,
        bool_or(list_contains(marks, 'metastasis') and evidence_kind not in ('history', 'block key')) as has_metastasis,
        bool_or(list_contains(marks, 'tumor')) as has_tumor_evidence
    from labelled
    group by text_id, accession_number, specimen_key, part_site
    having bool_or(list_contains(marks, 'other_tumor'))
),

placed as (
    select
        labelled.*,
        specimens.specimen_organ,
        specimens.is_specimen_additional,
        -- the letter is that of another organ's specimen, which another kind of heading names
        labelled.margin_type in ('margin', 'parenchymal')
        and coalesce(
            labelled.part_organ is null and specimens.specimen_organ = 'other'
            and labelled.specimen_word <> specimens.specimen_word
            and (labelled.reading in ('distance', 'damaged', 'involved', 'within 1 mm')
                or (labelled.reading = 'negative' and specimens.specimen_clause > labelled.clause_number)),
            false
        ) as has_letter_of_another
    from labelled
    left join specimens
        on labelled.text_id = specimens.text_id
        and labelled.accession_number is not distinct from specimens.accession_number
        and labelled.specimen_key = specimens.specimen_key
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
    bowel_reports.text_id is not null as has_bowel_specimen,
    (list_contains(placed.marks, 'other_tumor') and not list_contains(placed.marks, 'metastasis'))
    or (
        tumors.text_id is not null and not tumors.has_metastasis
        and (tumors.has_other_malignancy or not tumors.has_tumor_evidence)
    ) as is_other_tumor,
    not list_contains(placed.marks, 'other_organ') and not list_contains(placed.marks, 'definition')
    and (
        coalesce(placed.part_organ, placed.specimen_organ) is distinct from 'other'
        or list_contains(placed.marks, 'names_liver_margin')
        or placed.has_letter_of_another
    ) as is_of_liver
from placed
left join bowel_reports
    on placed.text_id = bowel_reports.text_id
    and placed.accession_number is not distinct from bowel_reports.accession_number
left join tumors
    on placed.text_id = tumors.text_id
    and placed.accession_number is not distinct from tumors.accession_number
    and placed.specimen_key is not distinct from tumors.specimen_key
    and placed.part_site is not distinct from tumors.part_site
