-- One spelling for numbers, units, comparators and margins, so that the rules below stay short. Definitions and history
-- ('a margin below 1 mm is considered close') are no findings and leave here; so do clauses of another organ.
with characters as (
    select *, {{ normalised_characters('clause_lower') }} as step_text
    from {{ ref('margin_clause_contexts') }}
    where not is_of_other_organ
        and (organ is distinct from 'other' or {{ crlm_regexp_matches('clause_lower', '(?:hepatic|liver|transection) (?:[a-z]+ ){0,2}(?:margin|edge|plane|surface)') }})
        and not {{ crlm_regexp_matches('clause_lower', margin_words('definition')) }}
),

numbers as (
    select * replace ({{ normalised_number_words('step_text') }} as step_text) from characters
),

distances as (
    select * replace ({{ normalised_distances('step_text') }} as step_text) from numbers
),

margins as (
    select * replace ({{ normalised_margin_names('step_text') }} as step_text) from distances
)

select
    * exclude (step_text, clause_lower),
    step_text as clause_normalised,
    {{ crlm_regexp_extract('step_text', '[@~](?:parenchymal|margin|bile_duct|vascular)') }} is not null as names_hepatic_margin,
    {{ crlm_regexp_extract('step_text', '^.*\\b(' ~ lesion_label_pattern() ~ ')', 1) }} as own_lesion_label,
    lag(coalesce(
        {{ crlm_regexp_extract('step_text', '^.*[@~]([a-z_]+)', 1) }},
        case when {{ crlm_regexp_matches('step_text', '\\br[01]\\b|(?:completely|totally) (?:excised|resected|removed)') }} then 'margin' end
    )) over clauses_of_part as previous_margin_type
from margins
window clauses_of_part as (partition by text_id, record_id, section, specimen, part order by clause_number)
-- depends_on: {{ ref('margin_lexicon') }} {{ ref('margin_names') }} {{ ref('margin_number_words') }} {{ ref('margin_comparators') }}
