{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false, on_schema_change='sync_all_columns', pre_hook=[forget_other_rules(), forget_other_texts()]) }}
-- Reports cut coarsely into sentences and lines (the finer cuts are made once for each distinct one); those without any word that
-- can matter leave here. Only new or changed reports are read, unless a rule has changed.
{% set clause_end = '⏎' %}
{#- only where surely something new begins: a capitalised word, a bullet, a heading -#}
{% set coarse_end = '([[:alnum:])%\\]\"][[:alnum:])%\\]\"][.]+|[^,:\\s.][ \\t]*\\r?\\n)([ \\t\\r\\n]*(?:[A-Z][a-z]|[-*•]|\\d{1,2}[.)]\\s|[A-Z][A-Z ]{2,40}:))' %}
{% set can_matter = clause_that_can_matter() %}
{#- a table whose last column is the margin: each row becomes 'what it is about: margin ...' -#}
{% set margin_table = '(?i)[^\\n0-9]*[|][^\\n|0-9]*(?:margin|clearance|cut surface|transection)[^\\n|0-9]*\\n' %}
{#- columns kept apart by tabs or runs of blanks are cells too -#}
{% set loose_table = '(?i)(?:^|\\n)[^\\n0-9]*(?:\\t|\\S {2,}\\S)[^\\n0-9]*(?:margin|clearance)[^\\n0-9]*\\n[^\\n]*(?:\\t|\\S {2,}\\S)' %}
with written as (
    select
        text_key,
        case when {{ crlm_regexp_matches('text', loose_table) }} then {{ crlm_replace_in_turn('text', [['\\t+', ' | '], ['(\\S) {2,}(\\S)', '\\1 | \\2']]) }} else text end as text
    from {{ ref('margin_texts') }}
),

texts as (
    select
        text_key,
        case
            when not {{ crlm_regexp_matches('text', margin_table) }} then text
            when {{ crlm_regexp_matches('text', '(?i)[|][^\\n|]*(?:margin|clearance|cut surface|transection)[^\\n|]*\\bmm\\b[^\\n|]*\\n') }}
                then replace({{ crlm_replace_in_turn('text', [[margin_table, '\n'], ['\\n([^\\n|]+)[|]([^\\n]*)[|][ \\t]*([<>≥≤=]* ?[0-9][0-9.,]*)[ \\t]*(?:mm)?', '\n* \\1, \\2: margin \\3 mm.'], ['\\n([^\\n|*]+)[|]([^\\n]*)[|][ \\t]*([^\\n|]+)', '\n* \\1, \\2: margin \\3.']]) }}, '|', ',')
            else replace({{ crlm_replace_in_turn('text', [[margin_table, '\n'], ['\\n([^\\n|]+)[|]([^\\n]*)[|][ \\t]*([^\\n|]+)', '\n* \\1, \\2: margin \\3.']]) }}, '|', ',')
        end as text
    from written
    {% if is_incremental() %}where text_key not in (select text_key from {{ this }}){% endif %}
),

cut as (
    select text_key, string_split({{ crlm_regexp_replace_all('text', coarse_end, '\\1' ~ clause_end ~ '\\2') }}, '{{ clause_end }}') as sentences
    from texts
),

numbered as (
    select text_key, unnest(sentences) as sentence, generate_subscripts(sentences, 1) as sentence_number
    from cut
)

select text_key, sentence_number, sentence, '{{ margin_rules_version() }}' as rules_version, '{{ invocation_id }}' as read_in_run
from numbered
-- the first sentence stays, so that a text without any is known to have been read
where sentence_number = 1 or {{ crlm_regexp_matches('sentence', can_matter) }}
-- depends_on: {{ ref('margin_lexicon') }}
