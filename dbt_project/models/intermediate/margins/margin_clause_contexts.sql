-- Every clause with the specimen, organ and section it stands in: its own, else of the heading above it, else of the
-- same specimen label elsewhere in the report, else of the HL7 line. Clauses without bearing on a margin leave here.
with bearings as (
    select
        clauses.sentence,
        clauses.clause_order,
        headings.* exclude (clause_lower, rules_version),
        headings.heading is not null or (
            coalesce(headings.heading_section in ('permanent', 'amended'), false)
            and not {{ crlm_regexp_matches('headings.clause_lower', '^[^:]*(?:distance|clearance|measurement)[^:]*:') }}
        ) as starts_part,
        normalised.names_liver_margin,
        normalised.last_margin_type,
        normalised.own_lesion_label,
        normalised.clause_text is not null as is_finding
    from {{ ref('margin_sentence_clauses') }} as clauses
    inner join {{ ref('margin_clause_headings') }} as headings on clauses.clause_text = headings.clause_text
    left join {{ ref('margin_clause_normalised') }} as normalised on clauses.clause_text = normalised.clause_text
    left join {{ ref('margin_status_meanings') }} as statuses on clauses.clause_text = statuses.clause_text
    where headings.heading is not null
        or headings.heading_section is not null
        or headings.names_other_organ or headings.names_other_tumor or headings.says_additional
        or normalised.last_margin_type is not null
        or statuses.rule is not null
        or normalised.clause_normalised like '%⟦%'
        or normalised.own_lesion_label is not null
),

clauses as (
    select
        sentences.text_key,
        sentences.sentence_number * 100 + bearings.clause_order as clause_number,
        bearings.* exclude (sentence, clause_order)
    from {{ ref('margin_report_sentences') }} as sentences
    inner join bearings on sentences.sentence = bearings.sentence
    {% if is_of_changed_patients() %}where sentences.text_key in (select text_key from {{ ref('margin_texts') }}){% endif %}
),

-- what the nearest heading above says holds until the next one
in_part as (
    select
        text_key, clause_number, clause_text, says_additional, says_main, denies_additional, says_bowel, heading_organ,
        clause_section, starts_part, names_other_tumor, names_other_malignancy, names_metastasis, names_tumor,
        names_liver_margin, is_finding, own_lesion_label,
        nullif(last_value(case when starts_part then coalesce(specimen_label, '') end ignore nulls) over so_far, '') as part_label,
        nullif(last_value(case when starts_part then coalesce(heading_organ, '') end ignore nulls) over so_far, '') as part_organ,
        nullif(last_value(case when starts_part then coalesce(heading_site, '') end ignore nulls) over so_far, '') as part_site,
        coalesce(last_value(case when starts_part then says_additional and heading is not null end ignore nulls) over so_far, false) as is_part_additional,
        last_value(heading_section ignore nulls) over so_far as carried_section,
        clause_number < max(case when heading_section = 'amended' then clause_number end) over (partition by text_key) as is_above_amendment,
        names_other_organ or (starts_with_pronoun and coalesce(lag(names_other_organ) over in_order, false)) as is_of_other_organ,
        case when not starts_part or heading_section = 'amended' then lag(case when not names_other_organ then last_margin_type end) over in_order end as margin_type_before
    from clauses
    window
        in_order as (partition by text_key order by clause_number),
        so_far as (partition by text_key order by clause_number rows between unbounded preceding and current row)
),

labelled as (
    select
        in_part.*,
        paragraphs.text_id, paragraphs.accession_number, paragraphs.record_id, paragraphs.section, paragraphs.specimen,
        coalesce(in_part.part_label, paragraphs.specimen) as specimen_key,
        case
            when in_part.clause_section is not null then in_part.clause_section
            when paragraphs.section not in ('intraoperative', 'gross') and in_part.is_above_amendment
                and coalesce(in_part.carried_section, 'permanent') = 'permanent' then 'original'
            when in_part.carried_section = 'amended' then 'permanent'
            when paragraphs.section in ('intraoperative', 'gross') then paragraphs.section
            when in_part.carried_section is not null then in_part.carried_section
            else 'permanent'
        end as evidence_kind
    from in_part
    inner join {{ ref('margin_texts') }} as paragraphs on in_part.text_key = paragraphs.text_key
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

bowel_reports as (
    select distinct text_id, accession_number from labelled where heading_organ = 'other' and says_bowel
),

-- specimens with a benign lesion or another cancer, whose margins never count: is a metastasis named beside it?
other_tumor_specimens as (
    select distinct text_id, accession_number, specimen_key, part_site from labelled where names_other_tumor
),

tumors as (
    select
        labelled.text_id,
        labelled.accession_number,
        labelled.specimen_key,
        labelled.part_site,
        bool_or(labelled.names_other_malignancy) as has_other_malignancy,
        bool_or(labelled.names_metastasis) as has_metastasis,
        bool_or(labelled.names_tumor) as has_tumor_evidence
    from labelled
    inner join other_tumor_specimens as others
        on labelled.text_id = others.text_id
        and labelled.accession_number is not distinct from others.accession_number
        and labelled.specimen_key is not distinct from others.specimen_key
        and labelled.part_site is not distinct from others.part_site
    group by all
)

select
    labelled.text_id,
    labelled.accession_number,
    labelled.record_id,
    labelled.section,
    labelled.specimen,
    labelled.clause_number,
    labelled.clause_text,
    labelled.margin_type_before as previous_margin_type,
    labelled.evidence_kind,
    coalesce(labelled.specimen_key, labelled.part_site) as part,
    coalesce(labelled.part_organ, specimens.specimen_organ) as organ,
    labelled.denies_additional,
    labelled.says_additional,
    labelled.own_lesion_label as lesion_named,
    not labelled.says_main and (
        labelled.says_additional or labelled.is_part_additional
        or (coalesce(specimens.is_specimen_additional, false) and labelled.part_label is null)
    ) as is_additional_margin,
    bowel_reports.text_id is not null as has_bowel_specimen,
    (labelled.names_other_tumor and not labelled.names_metastasis)
    or (
        tumors.text_id is not null and not tumors.has_metastasis
        and (tumors.has_other_malignancy or not tumors.has_tumor_evidence)
    ) as is_other_tumor,
    labelled.is_finding and not labelled.is_of_other_organ
    and (coalesce(labelled.part_organ, specimens.specimen_organ) is distinct from 'other' or labelled.names_liver_margin) as is_of_liver
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
