{#- The few functions whose spelling differs between DuckDB and Spark; everything above staging goes through them. -#}

{% macro crlm_days_between(start_date, end_date) %}{{ return(adapter.dispatch('crlm_days_between')(start_date, end_date)) }}{% endmacro %}
{% macro default__crlm_days_between(start_date, end_date) %}cast(date_diff('day', {{ start_date }}, {{ end_date }}) as integer){% endmacro %}
{% macro spark__crlm_days_between(start_date, end_date) %}datediff({{ end_date }}, {{ start_date }}){% endmacro %}

{#- One row an element of a list column; a NULL or empty list gives no row. -#}
{% macro crlm_explode(list_column, element) %}{{ return(adapter.dispatch('crlm_explode')(list_column, element)) }}{% endmacro %}
{% macro default__crlm_explode(list_column, element) %}cross join unnest({{ list_column }}) as exploded({{ element }}){% endmacro %}
{% macro spark__crlm_explode(list_column, element) %}lateral view explode({{ list_column }}) exploded as {{ element }}{% endmacro %}

{#- The latest version of each record: raw keeps them all. -#}
{% macro latest_version(relation, key) %}
    select *
    from {{ relation }}
    qualify row_number() over (
        partition by source_system, {{ key }}
        order by loaded_at desc, source_file desc, source_line desc
    ) = 1
{% endmacro %}

{#- A number from the table of clinical windows and cut points. -#}
{% macro clinical_setting(name) -%}
    (select cast(value as double) from {{ ref('clinical_settings') }} where name = '{{ name }}')
{%- endmacro %}
