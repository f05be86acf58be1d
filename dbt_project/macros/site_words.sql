{#- How a word for a site is compared with seeds.recurrence_site_words: neither case, hyphens and plural, nor words that say which
    one, how many or what kind of lesion (seeds.recurrence_site_qualifiers) make another site of it. -#}

{#- Lower case, in the singular: 'Lymph Node(s)', 'lymph-nodes' and 'LNs' are 'lymph node'; an ICD-10 code with and without its dot
    are one -#}
{% macro site_word_singular(word) -%}
trim(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
    lower({{ word }}), '\((e?s)\)', '', 'g'), '[-_]', ' ', 'g'), '\b(metastases|metastatic|mets)\b', 'metastasis', 'g'), '\blns?\b', 'lymph node', 'g'),
    '([a-z][a-z][^s ])s\b', '\1', 'g'), '\b(c[0-9][0-9])\.([0-9])', '\1\2', 'g'), '\s+', ' ', 'g'), ' .:')
{%- endmacro %}

{#- The singular without the qualifiers (a list of words in the singular): empty where there is nothing else -#}
{% macro site_word_without(word, qualifiers) -%}
array_to_string(
    list_filter(string_split({{ site_word_singular(word) }}, ' '), part -> not list_contains({{ qualifiers }}, part)), ' '
)
{%- endmacro %}

{#- The same as it is compared; a word of which nothing is left keeps its qualifiers ('both') -#}
{% macro site_word_key(word, qualifiers) -%}
coalesce(nullif({{ site_word_without(word, qualifiers) }}, ''), {{ site_word_singular(word) }})
{%- endmacro %}

{#- One row: the qualifiers as a list, in the singular, and those of them that are never disease somewhere else -#}
{% macro site_qualifiers() -%}
select
    list({{ site_word_singular('qualifier') }}) as listed,
    list({{ site_word_singular('qualifier') }}) filter (where not may_stand_alone) as dependent
from {{ ref('recurrence_site_qualifiers') }}
{%- endmacro %}

{#- The sites that a text names, a part each: 'Liver, NOS and lung (left lower lobe)' has two -#}
{% macro site_parts(text) -%}
string_split_regex(regexp_replace(lower({{ text }}), '\((e?s)\)', '\1', 'g'), '[;/+&|]|\band\b|\s[-–—]\s')
{%- endmacro %}

{#- What a part says of its site, behind commas, in brackets or as an ICD-10 code: 'liver', 'nos' -#}
{% macro site_pieces(part) -%}
string_split_regex(regexp_replace({{ part }}, '\b(c[0-9][0-9](\.?[0-9]+)?)\b', ',\1,', 'g'), '[,()\[\]]')
{%- endmacro %}
