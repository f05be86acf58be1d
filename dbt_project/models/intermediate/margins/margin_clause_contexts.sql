-- Every clause with the specimen, organ and section it stands in: its own, else of the heading above it, else of the
-- same specimen label elsewhere in the report, else of the HL7 line.
{% set other_tumor = margin_words(['other_malignancy', 'benign_lesion']) %}
{% set affirms_other_tumor = "(" ~ crlm_regexp_matches('clause_lower', other_tumor) ~ " and not "
    ~ crlm_regexp_matches('clause_lower', '\\b(?:no|without|not|negative for|rather than|nor|or)\\b[^,.;:]{0,40}' ~ other_tumor) ~ ")" %}
{#- the clause itself speaks of another organ, wherever it stands -#}
{% set is_of_other_organ = "(" ~ crlm_regexp_matches('clause_lower', '^\\W*(?:[a-z]+ ){0,3}' ~ margin_words('clause_other_organ'))
    ~ " and not " ~ crlm_regexp_matches('clause_lower', margin_words('clause_liver')) ~ ")" %}
with in_part as (
    select
        *,
        first_value(specimen_label) over part as part_label,
        first_value(heading_organ) over part as part_organ,
        first_value(heading_site) over part as part_site,
        first_value(says_additional and heading is not null) over part as is_part_additional,
        first_value(heading_section) over section_part as carried_section
    from {{ ref('margin_clause_headings') }}
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
        {{ is_of_other_organ }} as is_of_other_organ,
        lag({{ is_of_other_organ }}) over (partition by text_id, record_id, section, specimen order by clause_number) as follows_other_organ
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
        bool_or({{ crlm_regexp_matches('clause_lower', margin_words('other_malignancy')) }}) as has_other_malignancy,
        bool_or({{ affirms_other_tumor }}) as has_other_tumor,
        bool_or({{ crlm_regexp_matches('clause_lower', margin_words('metastasis_word')) }}) as has_metastasis,
        bool_or({{ crlm_regexp_matches('clause_lower', margin_words('tumor_evidence')) }}) as has_tumor_evidence
    from labelled
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
    labelled.clause_lower,
    labelled.evidence_kind,
    labelled.is_of_other_organ or ({{ crlm_regexp_matches('labelled.clause_lower', '^\\W*(?:its|their|these|this|it)\\b') }} and coalesce(labelled.follows_other_organ, false)) as is_of_other_organ,
    labelled.heading,
    coalesce(labelled.specimen_key, labelled.part_site) as part,
    coalesce(labelled.part_organ, specimens.specimen_organ) as organ,
    not labelled.says_main and (
        labelled.says_additional or labelled.is_part_additional
        or (coalesce(specimens.is_specimen_additional, false) and labelled.part_label is null)
    ) as is_additional_margin,
    coalesce(reports.has_bowel_specimen, false) as has_bowel_specimen,
    ({{ affirms_other_tumor }} and not {{ crlm_regexp_matches('clause_lower', margin_words('metastasis_word')) }})
    or (
        tumors.has_other_tumor and not tumors.has_metastasis
        and (tumors.has_other_malignancy or not tumors.has_tumor_evidence)
    ) as is_other_tumor
from labelled
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
-- depends_on: {{ ref('margin_lexicon') }}
