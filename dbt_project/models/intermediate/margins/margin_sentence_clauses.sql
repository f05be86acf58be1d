{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false, on_schema_change='sync_all_columns', pre_hook=forget_other_rules()) }}
-- Every distinct sentence split into clauses (sentences, parts of sentences between semicolons, fields of a synoptic list), in
-- their own words. Only clauses that can matter are kept: a margin word, a distance, a statement about tumour, or a heading.
{% set clause_end = '⏎' %}
{% set abbreviation = '(?i)\\b(approx|ca|seg|dep|deps|nos|les|nod|spec|specs|met|mets|segm|lat|ant|post|sup|inf|no|nr|dr|vs|incl|max|min|resp|dist|cf|fig|e\\.g|i\\.e)\\.(\\s+[a-z0-9<>~≥≤])' %}
{% set sentence_end = '([[:alnum:]µμ)%\\]\"\\x27’”][[:alnum:])%\\]\"\\x27’”])[.]+(\\s)' %}
{% set lesion = '(?:lesion|nodule|metastas[ei]s|met|tumou?r|deposit|dep|mass|focus)' %}
{#- a no-break space holds 'Nodule B:' together, or its B: would be taken for a specimen -#}
{% set splits = [
    [abbreviation, '\\1․\\2'],
    [sentence_end, '\\1' ~ clause_end ~ '\\2'],
    ['([0-9][.,/][0-9]+|: ?[0-9])[.](\\s)', '\\1' ~ clause_end ~ '\\2'],
    ['(?i)\\s([(\\[] ?[x✓✔] ?[)\\]][^\\n(\\[]*margin)', clause_end ~ '\\1'],
    ['\\s*\\n\\s*([(\\[] ?[xX✓✔]? ?[)\\]])', ' \\1'],
    ['(?i)\\b(' ~ lesion ~ ')\\s+([A-H]\\b)', '\\1\u00a0\\2'],
    ['(?i)(' ~ lesion ~ '[\u00a0 ](?:no\\. ?|#)?[A-H0-9]{1,2}:|[0-9] ?[cm]m[)]?:)[ \\t]*\\r?\\n[ \\t]*', '\\1 '],
    ['\\n[ \\t]*([a-z][a-z ]{2,30}: ?\\S)', clause_end ~ '\\1'],
    ['\\n\\s*([a-z][.)]\\s+[A-Z])', clause_end ~ '\\1'],
    ['\\n\\s*((?:[-*•]|\\d{1,2}[.)]|(?:i{1,3}|iv|v|vi{0,3})[)])\\s)', clause_end ~ '\\1'],
    ['(?i)(,|\\b(?:is|are|was|of|from|the|to|at|and|by|a|an|than|with|within|closest|nearest|in|on|or|no|not|without|less|more|greater|least|be|been|only))[ \\t]*\\r?\\n\\s*', '\\1 '],
    ['(?i)(:)[ \\t]*\\r?\\n[ \\t]*([<>≥≤~]?=? ?[0-9][0-9.,]* ?(?:mm|cm|millim|centim|micro|[µμ]m|um)\\b)', '\\1 \\2'],
    ['(?i)(\\d)[ \\t]*\\r?\\n[ \\t]*(mm|cm|millim|centim|micro)', '\\1 \\2'],
    ['([^:\\n⏎]{55}[A-Z][A-Z],?)[ \\t]*\\r?\\n[ \\t]*([A-Z][A-Z]+ [A-Z])', '\\1 \\2'],
    ['([^.:;\\n⏎])[ \\t]*\\r?\\n[ \\t]*([a-z0-9(<>≥≤~])', '\\1 \\2'],
    ['([a-z)][a-z)])[.]([A-Z])', '\\1' ~ clause_end ~ '\\2'],
    ['[;!]\\s|\\s(?://|[|])\\s', clause_end ~ ' '],
    ['(&[lg]t)' ~ clause_end, '\\1;'],
    ['(\\s)((?:(?:[Ss]pecimen |[Pp]art )?[(]?[A-H]|[Ss]pec(?:imen)?[․.]? (?:[IVX]+|\\d))[.):]\\s+[A-Za-z])', '\\1' ~ clause_end ~ '\\2'],
    ['(?i),?\\s((?:but|however|whereas|while|although|though)[, ] ?(?:the|on|in|bile|hepatic|parenchymal|vascular|portal|caps|colon|liver|lesion|nodule|margin|tumou?r|additional|gross|macro|micro|histol|clear|satellite|main|dominant|metasta|negative|positive|frozen|permanent|re-?)\\w*\\s)', clause_end ~ ' \\1'],
    ['(?i)\\b((?:un)?involved|negative|positive|free|clear)((?: (?:for|of|by) \\w+)?),? (and|with) (the )?(bile|hepatic|parenchymal|vascular|portal|capsul|colon|liver|transection)', '\\1\\2' ~ clause_end ~ ' \\3 \\4\\5'],
    ['(?i)(?:,| and|, and) ((?:the )?(?:lesion|nodule|deposit|metastasis|tumou?r|met)[ \u00a0](?:[A-H]|\\d|[IVX]+) (?:is (?:at|on|clear|present|involved)|reaches|extends|abuts|touches|involves|shows)\\b)', clause_end ~ ' \\1'],
    ['\\s*\\r?\\n\\s*', clause_end],
] %}
{% set can_matter = clause_that_can_matter() %}
with sentences as (
    select distinct sentence
    from {{ ref('margin_report_sentences') }}
    where {{ crlm_regexp_matches('sentence', can_matter) }}
    {% if is_incremental() %}and sentence not in (select sentence from {{ this }}){% endif %}
),

split_sentences as (
    select sentence, string_split({{ crlm_replace_in_turn('sentence', splits) }}, '{{ clause_end }}') as clauses
    from sentences
),

numbered as (
    select sentence, replace(unnest(clauses), chr(160), ' ') as raw_clause, generate_subscripts(clauses, 1) as clause_order
    from split_sentences
)

select
    sentence,
    clause_order,
    trim(replace(raw_clause, '․', '.')) as clause_text,
    '{{ margin_rules_version() }}' as rules_version
from numbered
where {{ crlm_regexp_matches('raw_clause', can_matter) }}
-- depends_on: {{ ref('margin_lexicon') }}
