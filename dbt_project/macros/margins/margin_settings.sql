{#- A number of the seed margin_settings -#}
{% macro margin_setting(setting) -%}
(select cast(value as double) from {{ ref('margin_settings') }} where setting = '{{ setting }}')
{%- endmacro %}

{#- The upper end of a published group in mm: the cut points stand in the seed margin_definitions and nowhere else -#}
{% macro published_upper_mm(group_order) -%}
(select cast(to_mm as double) from {{ ref('margin_definitions') }} where definition = 'published' and group_order = {{ group_order }})
{%- endmacro %}

{#- The name of a published group by its order in the seed: 1 at ink, 2 below the first cut point, 3 below the second, 4 as wide or wider -#}
{% macro published_group(group_order) -%}
(select margin_group from {{ ref('margin_definitions') }} where definition = 'published' and group_order = {{ group_order }})
{%- endmacro %}

{#- The published group that a width in mm lies in -#}
{% macro published_group_of(width_mm) -%}
case
        when {{ width_mm }} = 0 then {{ published_group(1) }}
        when {{ width_mm }} < {{ published_upper_mm(2) }} then {{ published_group(2) }}
        when {{ width_mm }} < {{ published_upper_mm(3) }} then {{ published_group(3) }}
        else {{ published_group(4) }}
    end
{%- endmacro %}
