{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false, on_schema_change='sync_all_columns', pre_hook=forget_other_rules()) }}
-- What a clause says about where it stands: specimen label, organ and kind of specimen (a heading holds until the next one),
-- and the section named in the text itself ('Gross:', 'Frozen section:').
{% set label = '^[\\s\\-*•]*(?:(?:SPECIMEN|PART)\\s+)?[(]?([A-H])(?:\\s?[,&-]\\s?[A-H])*(?:[.):]|\\s-)\\s' %}
{% set named_label = '^[\\s\\-*•]*(?:SPECIMEN|PART)\\s+([A-H]),\\s' %}
{% set numbered_label = '^[\\s\\-*•]*(?:SPECIMEN|PART|SPEC|JAR|POT|CONTAINER|SAMPLE)[․.]?\\s+([IVX]{1,4}|[0-9]{1,2})(?: ?[(][^)]{0,60}[)])?(?:[.):,]|\\s-|\\s\\s)\\s?' %}
{% set other = margin_words('organ_other') %}
{% set liver = margin_words('organ_liver') %}
{% set without_quotations = crlm_regexp_replace_all('clause_lower', '[(][^)]*[)]|(?:omitted|missing|absent|left out|not (?:given|stated|included|recorded|reported|mentioned)) (?:from|in) (?:the )?(?:original|first|initial|earlier|previous)[a-z ]*|,? ?(?:not|replacing|superseding|instead of|rather than) [^,;]*(?:original|first|initial|earlier|previous)[^,;]*', ' ') %}
{% set without_origin = crlm_regexp_replace_all('heading', '(?:colon|colonic|rectal|sigmoid|ca?ecal|colorectal)(?: [a-z]+)? (?:(?:adeno)?carcinoma|cancer|primary|origin|metastas)', ' ') %}
{% set sections = margin_words(['section_intraoperative', 'section_gross', 'section_permanent', 'section_original', 'section_amended']) %}
{% set other_tumor = margin_words(['other_malignancy', 'benign_lesion']) %}
with clauses as (
    select distinct clause_text
    from {{ ref('margin_sentence_clauses') }}
    {% if is_incremental() %}where clause_text not in (select clause_text from {{ this }}){% endif %}
),

labelled as (
    select
        *,
        lower(clause_text) as clause_lower,
        coalesce(
            {{ crlm_regexp_extract('upper(clause_text)', label, 1) }},
            {{ crlm_regexp_extract('upper(clause_text)', named_label, 1) }},
            {{ crlm_regexp_extract('upper(clause_text)', numbered_label, 1) }},
            -- '2. Liver segment 5: ...', but no numbered finding
            {{ crlm_regexp_extract('lower(clause_text)', '^\\W*([0-9]{1,2})[.)] (?:(?:the|right|left|sigmoid|partial) )*(?:' ~ liver ~ '|' ~ other ~ ')', 1) }}
        ) as specimen_label
    from clauses
),

headed as (
    select
        *,
        case
            when specimen_label is not null
                then {{ crlm_regexp_extract('clause_lower', '^[^.:]*[.:)-]?[^:]{0,160}') }}
            when {{ crlm_regexp_matches('clause_lower', '^[^:]{0,110}:') }}
                and (
                    {{ crlm_regexp_matches('clause_lower', '^\\W*(?:(?:the|right|left|low|total|lateral|caudate|partial|extended|wedge|resected) )*(?:' ~ liver ~ '|' ~ other ~ ')\\b[^:]{0,100}:') }}
                    or {{ crlm_regexp_matches('clause_lower', '^\\W*(?:the )?(?:' ~ margin_words('main_specimen') ~ '|' ~ margin_words('additional_margin') ~ ')[^:]{0,80}:') }}
                )
                and not {{ crlm_regexp_matches('clause_lower', '^\\W*(?:regional |hilar |portal |hepatic )*(?:lymph )?nodes?[^:]*: ?\\S|^[^:]*(?:liver|hepatic) (?:[a-z]+ )?(?:margin|resection margin)[^:]*:') }}
                then {{ crlm_regexp_extract('clause_lower', '^[^:]{0,110}:') }}
            when {{ crlm_regexp_matches('clause_lower', '^[^.]{0,80}$') }}
                and {{ crlm_regexp_matches('clause_lower', margin_words('synoptic_title')) }}
                and {{ crlm_regexp_matches('clause_lower', '\\b(?:' ~ liver ~ '|' ~ other ~ ')\\b') }}
                and not {{ crlm_regexp_matches('clause_lower', 'margin') }}
                then clause_lower
        end as heading
    from labelled
),

sited as (
    select
        *,
        {{ crlm_regexp_extract(without_origin, '\\b(?:' ~ liver ~ '|' ~ other ~ ')') }} as first_organ_word,
        {{ crlm_regexp_extract('clause_lower', '^[\\W\\d]*(?:[a-h][.)] )?(?:(?:final|definitive|review|expert|second|addendum|amended|surgical|pathologic(?:al)?|on|intra-?operative) )*(' ~ sections ~ ')\\b(?:[^:.]{0,40}:|(?: (?:section|consultation|diagnosis|description|report|examination|findings|results?|a|b|1|2)){1,4}\\W*$)', 1) }} as section_heading,
        {{ crlm_regexp_extract('clause_lower', margin_words(['says_microscopic', 'says_intraoperative', 'says_gross'])) }} as section_word
    from headed
),

classified as (
    select
        clause_text, clause_lower, specimen_label, heading,
        case
            when first_organ_word is null then null
            when {{ crlm_regexp_matches('first_organ_word', '^(?:' ~ other ~ ')$') }}
                and not {{ crlm_regexp_matches('heading', 'hepatectom|(?:and|&|,) (?:the )?liver|liver (?:wedge|resection)') }} then 'other'
            else 'liver'
        end as heading_organ,
        {{ crlm_regexp_extract('heading', 'segments? ?(?:[0-9ivx]+[ab]?(?: ?(?:,|and|&|/|-|to) ?[0-9ivx]+[ab]?)*)|(?:right|left|caudate) (?:lobe|lateral)|(?:wedge|segmentectomy) (?:[0-9]|[ivx]{1,4})[ab]?\\b') }} as heading_site,
        coalesce({{ crlm_regexp_matches('coalesce(heading, clause_lower)', margin_words('additional_margin')) }}, false) as says_additional,
        coalesce({{ crlm_regexp_matches('clause_lower', margin_words('main_specimen')) }}, false) as says_main,
        {{ crlm_regexp_matches('coalesce(heading, clause_lower)', margin_words('bowel_organ')) }} as says_bowel,
        case
            when section_heading is null then null
            when {{ crlm_regexp_matches('section_heading', '^' ~ margin_words('section_intraoperative') ~ '$') }} then 'intraoperative'
            when {{ crlm_regexp_matches('section_heading', '^' ~ margin_words('section_gross') ~ '$') }} then 'gross'
            when {{ crlm_regexp_matches('section_heading', '^' ~ margin_words('section_original') ~ '$') }} then 'original'
            when {{ crlm_regexp_matches('section_heading', '^' ~ margin_words('section_amended') ~ '$') }} then 'amended'
            else 'permanent'
        end as heading_section,
        case
            when {{ crlm_regexp_matches(without_quotations, margin_words('superseded')) }}
                and not {{ crlm_regexp_matches('clause_lower', 'supersedes|replaces|^\\W*' ~ margin_words('section_original') ~ '[^:]*:') }} then 'superseded'
            when section_word is null then null
            when {{ crlm_regexp_matches('clause_lower', margin_words('says_microscopic') ~ '|\\bsee (?:the )?(?:frozen|gross)') }} then 'permanent'
            when {{ crlm_regexp_matches('section_word', '^' ~ margin_words('says_intraoperative')) }} then 'intraoperative'
            else 'gross'
        end as clause_section,
        {{ crlm_regexp_matches('clause_lower', '\\b(?:no|without|not) (?:an? )?(?:additional|separate|supplement|further|extra|extended|new|re-?)') }} as denies_additional,
        {{ crlm_regexp_matches('clause_lower', '^\\W*(?:its|their|these|this|it)\\b') }} as starts_with_pronoun,
        {{ crlm_regexp_matches('clause_lower', '^\\W*(?:[a-z]+ ){0,3}' ~ margin_words('clause_other_organ')) }}
            and not {{ crlm_regexp_matches('clause_lower', margin_words('clause_liver')) }}
        or {{ crlm_regexp_matches('clause_lower', '^\\W*(?:the |an? |one |two |\\d )?(?:[a-z]+ )?' ~ margin_words('clause_no_metastasis_of_liver')) }}
            and not {{ crlm_regexp_matches('clause_lower', 'liver|hepatic|parenchym|transection') }} as names_other_organ,
        {{ crlm_regexp_matches('clause_lower', other_tumor) }}
            and not {{ crlm_regexp_matches('clause_lower', '\\b(?:no|without|not|negative for|rather than|nor|or)\\b[^,.;:]{0,40}' ~ other_tumor) }} as names_other_tumor,
        {{ crlm_regexp_matches('clause_lower', margin_words('other_malignancy')) }} as names_other_malignancy,
        {{ crlm_regexp_matches(crlm_replace_in_turn('clause_lower', [['\\b(?:no|without|nor)\\b[^,.;:]{0,40}' ~ margin_words('metastasis_word'), ' '], [margin_words('metastasis_word') ~ '(?: [a-z]+)? (?:is |are |was )?(?:not (?:seen|identified|found|present)|absent)', ' '], ['(?:neuroendocrine|melanoma|\\bgist|sarcoma|carcinoid|breast|renal|lung|pancrea|gastric)[a-z ]{0,30}(?:metasta|carcinoma)', ' ']]), margin_words('metastasis_word')) }} as names_metastasis,
        {{ crlm_regexp_matches('clause_lower', margin_words('tumor_evidence')) }} as names_tumor
    from sited
)

select
    *,
    '{{ margin_rules_version() }}' as rules_version
from classified
-- depends_on: {{ ref('margin_lexicon') }}
