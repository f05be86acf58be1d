{#- Schemas are named as DESIGN names them (marts, not main_marts): one warehouse file holds one installation. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
