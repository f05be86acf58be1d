-- Every statement with the specimen, organ and section it stands in: its own, else of the heading above it, else of the same
-- specimen label elsewhere in the report, else of the paragraph it was sent in.
with statements as (
    select
        texts.text_id,
        texts.accession_number,
        texts.record_id,
        texts.section,
        texts.specimen,
        statements.* exclude (rules_version, read_in_run, text_hash),
        coalesce(nullif(upper(regexp_extract(statements.part_label, '([a-z0-9]+)\W*$', 1)), ''), texts.specimen) as specimen_key,
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
)

select
    labelled.text_id,
    labelled.accession_number,
    labelled.record_id,
    labelled.section,
    labelled.specimen,
    labelled.clause_number,
    labelled.clause_start,
    labelled.clause_end,
    labelled.clause_text,
    labelled.words_start,
    labelled.words_end,
    labelled.language,
    labelled.rule,
    labelled.reading,
    labelled.certainty,
    labelled.margin_type,
    labelled.previous_margin_type,
    labelled.lesion_label,
    labelled.lesion_named,
    labelled.comparator,
    labelled.distance_mm,
    labelled.up_to_mm,
    labelled.marks,
    labelled.evidence_kind,
    coalesce(labelled.specimen_key, labelled.part_site) as part,
    coalesce(labelled.part_organ, specimens.specimen_organ) as organ,
    not list_contains(labelled.marks, 'main_specimen') and (
        list_contains(labelled.marks, 'additional') or list_contains(labelled.marks, 'additional_part')
        or (coalesce(specimens.is_specimen_additional, false) and labelled.part_label is null)
    ) as is_additional_margin,
    bowel_reports.text_id is not null as has_bowel_specimen,
    (list_contains(labelled.marks, 'other_tumor') and not list_contains(labelled.marks, 'metastasis'))
    or (
        tumors.text_id is not null and not tumors.has_metastasis
        and (tumors.has_other_malignancy or not tumors.has_tumor_evidence)
    ) as is_other_tumor,
    not list_contains(labelled.marks, 'other_organ') and not list_contains(labelled.marks, 'definition')
    and (
        coalesce(labelled.part_organ, specimens.specimen_organ) is distinct from 'other'
        or list_contains(labelled.marks, 'names_liver_margin')
    ) as is_of_liver
from labelled
left join specimens
    on labelled.text_id = specimens.text_id
    and labelled.accession_number is not distinct from specimens.accession_number
    and labelled.specimen_key = specimens.specimen_key
left join bowel_reports
    on labelled.text_id = bowel_reports.text_id
    and labelled.accession_number is not distinct from bowel_reports.accession_number
left join tumors
    on labelled.text_id = tumors.text_id
    and labelled.accession_number is not distinct from tumors.accession_number
    and labelled.specimen_key is not distinct from tumors.specimen_key
    and labelled.part_site is not distinct from tumors.part_site
