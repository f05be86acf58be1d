-- Every clause with the specimen, organ and section it stands in: its own, else of the heading above it, else of the
-- same specimen label elsewhere in the report, else of the HL7 line.
with clauses as (
    select
        sentences.text_id, sentences.accession_number, sentences.record_id, sentences.section, sentences.specimen,
        sentences.sentence_number * 100 + clauses.clause_order as clause_number,
        clauses.clause_text
    from {{ ref('margin_report_sentences') }} as sentences
    inner join {{ ref('margin_sentence_clauses') }} as clauses on sentences.sentence = clauses.sentence
),

headed as (
    select
        clauses.*,
        headings.* exclude (clause_text, clause_lower, rules_version),
        count(case when headings.heading is not null or headings.heading_section = 'permanent' then 1 end) over paragraph as part_number,
        count(headings.heading_section) over paragraph as section_number
    from clauses
    inner join {{ ref('margin_clause_headings') }} as headings on clauses.clause_text = headings.clause_text
    window paragraph as (
        partition by clauses.text_id, clauses.record_id, clauses.section, clauses.specimen
        order by clauses.clause_number
        rows between unbounded preceding and current row
    )
),

in_part as (
    select
        *,
        first_value(specimen_label) over part as part_label,
        first_value(heading_organ) over part as part_organ,
        first_value(heading_site) over part as part_site,
        first_value(says_additional and heading is not null) over part as is_part_additional,
        first_value(heading_section) over section_part as carried_section
    from headed
    window
        part as (partition by text_id, record_id, section, specimen, part_number order by clause_number),
        section_part as (partition by text_id, record_id, section, specimen, section_number order by clause_number)
),

labelled as (
    select
        *,
        coalesce(part_label, specimen) as specimen_key,
        case
            when clause_section is not null then clause_section
            when section in ('intraoperative', 'gross') then section
            when carried_section is not null then carried_section
            else 'permanent'
        end as evidence_kind,
        names_other_organ or (starts_with_pronoun and coalesce(lag(names_other_organ) over (partition by text_id, record_id, section, specimen order by clause_number), false)) as is_of_other_organ
    from in_part
),

specimens as (
    select
        text_id,
        accession_number,
        specimen_key,
        arg_min(part_organ, (clause_number, section, part_organ)) filter (where part_organ is not null) as specimen_organ,
        bool_or(is_part_additional) as is_specimen_additional
    from labelled
    where specimen_key is not null and section <> 'gross'
    group by all
),

-- margins of a benign lesion or of another cancer never count
reports as (
    select
        text_id,
        accession_number,
        bool_or(heading_organ = 'other' and says_bowel) as has_bowel_specimen
    from labelled
    group by all
),

tumors as (
    select
        text_id,
        accession_number,
        specimen_key,
        bool_or(names_other_malignancy) as has_other_malignancy,
        bool_or(names_other_tumor) as has_other_tumor,
        bool_or(names_metastasis) as has_metastasis,
        bool_or(names_tumor) as has_tumor_evidence
    from labelled
    group by all
),

joined as (
    select
        labelled.text_id,
        labelled.accession_number,
        labelled.record_id,
        labelled.section,
        labelled.specimen,
        labelled.clause_number,
        labelled.clause_text,
        normalised.clause_normalised,
        normalised.last_margin_type,
        labelled.evidence_kind,
        coalesce(labelled.specimen_key, labelled.part_site) as part,
        coalesce(labelled.part_organ, specimens.specimen_organ) as organ,
        labelled.denies_additional,
        not labelled.says_main and (
            labelled.says_additional or labelled.is_part_additional
            or (coalesce(specimens.is_specimen_additional, false) and labelled.part_label is null)
        ) as is_additional_margin,
        coalesce(reports.has_bowel_specimen, false) as has_bowel_specimen,
        (labelled.names_other_tumor and not labelled.names_metastasis)
        or (
            tumors.has_other_tumor and not tumors.has_metastasis
            and (tumors.has_other_malignancy or not tumors.has_tumor_evidence)
        ) as is_other_tumor,
        normalised.clause_text is not null and not labelled.is_of_other_organ
        and (coalesce(labelled.part_organ, specimens.specimen_organ) is distinct from 'other' or normalised.names_liver_margin) as is_of_liver
    from labelled
    left join {{ ref('margin_clause_normalised') }} as normalised on labelled.clause_text = normalised.clause_text
    left join specimens
        on labelled.text_id = specimens.text_id
        and labelled.accession_number is not distinct from specimens.accession_number
        and labelled.specimen_key = specimens.specimen_key
    left join reports
        on labelled.text_id = reports.text_id
        and labelled.accession_number is not distinct from reports.accession_number
    left join tumors
        on labelled.text_id = tumors.text_id
        and labelled.accession_number is not distinct from tumors.accession_number
        and labelled.specimen_key is not distinct from tumors.specimen_key
)

select
    * exclude (last_margin_type),
    lag(last_margin_type) over (
        partition by text_id, record_id, section, specimen, part, is_of_liver order by clause_number
    ) as previous_margin_type
from joined
