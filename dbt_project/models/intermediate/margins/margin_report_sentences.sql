{{ config(materialized='incremental', on_schema_change='sync_all_columns', pre_hook=[forget_other_rules(), forget_other_texts()]) }}
-- Reports cut into sentences and lines; those without any word that can matter leave here. Only new or changed reports are
-- read, unless a rule has changed. Decimals, abbreviations ('approx. 3 mm') and wrapped lines stay together.
{% set clause_end = '⏎' %}
{% set abbreviation = '(?i)\\b(approx|ca|seg|dep|deps|les|nod|spec|specs|met|mets|segm|lat|ant|post|sup|inf|no|nr|dr|vs|incl|max|min|resp|dist|cf|fig|e\\.g|i\\.e)\\.(\\s+[a-z0-9<>~≥≤])' %}
{% set sentence_end = '([[:alnum:])%\\]\"][[:alnum:])%\\]\"])[.]+(\\s)' %}
{% set line_end = '([^,:\\s][ \\t]*)\\r?\\n([ \\t]*(?:[A-Z][a-z]|[-*•]|\\d{1,2}[.)]\\s))' %}
{% set can_matter = '(?i)' ~ margin_words('relevant')
    ~ '|' ~ margin_words(['organ_liver', 'organ_other', 'section_intraoperative', 'section_gross', 'section_permanent', 'section_original']) ~ '[^:\\n⏎]*:' %}
with texts as (
    select * from {{ ref('margin_texts') }}
    {% if is_incremental() %}where text_key not in (select text_key from {{ this }}){% endif %}
),

cut as (
    select
        * exclude (text),
        string_split({{ crlm_replace_in_turn('text', [
            [abbreviation, '\\1․\\2'],
            [sentence_end, '\\1' ~ clause_end ~ '\\2'],
            [line_end, '\\1' ~ clause_end ~ '\\2'],
        ]) }}, '{{ clause_end }}') as sentences
    from texts
),

numbered as (
    select * exclude (sentences), unnest(sentences) as sentence, generate_subscripts(sentences, 1) as sentence_number
    from cut
)

select *, '{{ margin_rules_version() }}' as rules_version
from numbered
-- the first sentence stays, so that a text without any is known to have been read
where sentence_number = 1 or {{ crlm_regexp_matches('sentence', can_matter) }}
-- depends_on: {{ ref('margin_lexicon') }}
