{#- The columns of marts.index_operations that patients are grouped by, beside the cohort as a whole: the rows of
    seeds.event_count_groupings. dbt builds the seed before any model that asks; where nothing is built (a linter compiles
    without a warehouse) one grouping shows the SQL. -#}
{% macro event_count_groupings() -%}
    {%- set definitions = ref('event_count_groupings') -%}
    {%- if not execute or load_relation(definitions) is none -%}
        {{ return(['margin_group']) }}
    {%- endif -%}
    {%- set rows = run_query("select grouping from " ~ definitions ~ " where grouping <> 'overall' order by grouping") -%}
    {{ return(rows.columns[0].values() | list) }}
{%- endmacro %}
