{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false, on_schema_change='sync_all_columns', pre_hook=forget_other_rules()) }}
-- One spelling for numbers, units, comparators and margins, so that the rules below stay short. Definitions and history
-- ('a margin below 1 mm is considered close') are no findings and leave here.
with characters as (
    select
        clause_text,
        {{ crlm_regexp_matches('clause_lower', '(?:hepatic|liver|transection|parenchymal) (?:[a-z]+ ){0,2}(?:margin|edge|plane|surface)') }} as names_liver_margin,
        {{ normalised_characters('clause_lower') }} as step_text
    from {{ ref('margin_clause_headings') }}
    where (not {{ crlm_regexp_matches('clause_lower', margin_words('definition')) }} or {{ crlm_regexp_matches('clause_lower', '\\br1\\b[^.]*(?:definition|defined)') }})
        and not {{ crlm_regexp_matches('clause_lower', '(?:definition|criteri|rule)[^.]*(?:\\bnot (?:met|fulfilled|satisfied)|does not apply)') }}
    {% if is_incremental() %}and clause_text not in (select clause_text from {{ this }}){% endif %}
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
    clause_text,
    step_text as clause_normalised,
    names_liver_margin,
    {{ crlm_regexp_extract('step_text', '[@~](?:parenchymal|margin|bile_duct|vascular)') }} is not null as names_hepatic_margin,
    {{ crlm_regexp_extract('step_text', '^.*\\b(' ~ lesion_label_pattern() ~ ')', 1) }} as own_lesion_label,
    coalesce(
        -- 'the parenchymal margin shows carcinoma at the inked margin' speaks of one margin
        case
            when {{ crlm_regexp_extract('step_text', '^.*[@~]([a-z_]+)', 1) }} = 'margin' and {{ crlm_regexp_matches('step_text', '@parenchymal') }} then 'parenchymal'
            else {{ crlm_regexp_extract('step_text', '^.*[@~]([a-z_]+)', 1) }}
        end,
        case when {{ crlm_regexp_matches('step_text', '\\br[01]\\b|(?:completely|totally) (?:excised|resected|removed)') }} then 'margin' end
    ) as last_margin_type,
    '{{ margin_rules_version() }}' as rules_version
from margins
-- depends_on: {{ ref('margin_lexicon') }} {{ ref('margin_names') }} {{ ref('margin_number_words') }} {{ ref('margin_comparators') }}
