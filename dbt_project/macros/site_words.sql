{#- How a word for a site is compared with seeds.recurrence_site_words: neither case, hyphens and plural, nor words that say which
    one, how many or what kind of lesion (seeds.recurrence_site_qualifiers) make another site of it. -#}

{#- Lower case, in the singular: 'Lymph Node(s)', 'lymph-nodes' and 'LNs' are 'lymph node' -#}
{% macro site_word_singular(word) -%}
trim(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
    lower({{ word }}), '\((e?s)\)', '', 'g'), '[-_]', ' ', 'g'), '\b(metastases|metastatic|mets)\b', 'metastasis', 'g'), '\blns?\b', 'lymph node', 'g'),
    '([a-z][a-z][^s ])s\b', '\1', 'g'), '\s+', ' ', 'g'), ' .:')
{%- endmacro %}

{#- The singular without the qualifiers (a list of words in the singular); a word of which nothing is left keeps them ('both') -#}
{% macro site_word_key(word, qualifiers) -%}
coalesce(
    nullif(array_to_string(
        list_filter(string_split({{ site_word_singular(word) }}, ' '), part -> not list_contains({{ qualifiers }}, part)), ' '
    ), ''),
    {{ site_word_singular(word) }}
)
{%- endmacro %}

{#- One row: the qualifiers as a list, in the singular -#}
{% macro site_qualifiers() -%}
select list({{ site_word_singular('qualifier') }}) as listed from {{ ref('recurrence_site_qualifiers') }}
{%- endmacro %}
