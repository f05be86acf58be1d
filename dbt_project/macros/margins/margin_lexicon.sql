{#- The word lists are seeds; regular expressions must be constants to run fast (a pattern from a column would be
    compiled again for every row), so they are read from the seed tables when the model is compiled. -#}
{% macro margin_seed_rows(seed_name, columns, order_by) %}
  {%- if not execute -%}{{ return([]) }}{%- endif -%}
  {%- set relation = api.Relation.create(database=target.database, schema=generate_schema_name('seeds', none) | trim, identifier=seed_name) -%}
  {{ return(run_query('select ' ~ columns | join(', ') ~ ' from ' ~ relation ~ ' order by ' ~ order_by).rows) }}
{% endmacro %}

{#- The words of one or more concepts as one alternation: (?:a|b|c) -#}
{% macro margin_words(concepts) %}
  {%- set wanted = [concepts] if concepts is string else concepts -%}
  {%- set patterns = [] -%}
  {%- for row in margin_seed_rows('margin_lexicon', ['concept', 'pattern'], 'concept, length(pattern) desc, pattern') if row[0] in wanted -%}
    {%- do patterns.append(row[1]) -%}
  {%- endfor -%}
  {{ return('(?:' ~ patterns | join('|') ~ ')') }}
{% endmacro %}

{#- A number of the seed margin_settings -#}
{% macro margin_setting(setting) -%}
(select cast(value as double) from {{ ref('margin_settings') }} where setting = '{{ setting }}')
{%- endmacro %}

{#- A sentence or clause without any of these words says nothing of a margin and nothing of where it stands -#}
{% macro clause_that_can_matter() %}
{{ return('(?i)' ~ margin_words('relevant')
    ~ '|' ~ margin_words(['organ_liver', 'organ_other', 'section_intraoperative', 'section_gross', 'section_permanent', 'section_original', 'section_amended']) ~ '[^:\\n⏎]*:') }}
{% endmacro %}

{#- The upper end of a published group in mm: the cut points stand in the seed margin_definitions and nowhere else -#}
{% macro published_upper_mm(margin_group) -%}
(select cast(to_mm as double) from {{ ref('margin_definitions') }} where definition = 'published' and margin_group = '{{ margin_group }}')
{%- endmacro %}
