{#- A number of the seed margin_settings -#}
{% macro margin_setting(setting) -%}
(select cast(value as double) from {{ ref('margin_settings') }} where setting = '{{ setting }}')
{%- endmacro %}

{#- The upper end of a published group in mm: the cut points stand in the seed margin_definitions and nowhere else -#}
{% macro published_upper_mm(margin_group) -%}
(select cast(to_mm as double) from {{ ref('margin_definitions') }} where definition = 'published' and margin_group = '{{ margin_group }}')
{%- endmacro %}
