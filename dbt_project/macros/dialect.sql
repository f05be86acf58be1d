{#- The few functions whose spelling differs between DuckDB and Spark; everything above staging goes through them. -#}

{% macro crlm_days_between(start_date, end_date) %}{{ return(adapter.dispatch('crlm_days_between')(start_date, end_date)) }}{% endmacro %}
{% macro default__crlm_days_between(start_date, end_date) %}cast(date_diff('day', {{ start_date }}, {{ end_date }}) as integer){% endmacro %}
{% macro spark__crlm_days_between(start_date, end_date) %}datediff({{ end_date }}, {{ start_date }}){% endmacro %}

{#- One row an element of a list column; a NULL or empty list gives no row. -#}
{% macro crlm_explode(list_column, element) %}{{ return(adapter.dispatch('crlm_explode')(list_column, element)) }}{% endmacro %}
{% macro default__crlm_explode(list_column, element) %}cross join unnest({{ list_column }}) as exploded({{ element }}){% endmacro %}
{% macro spark__crlm_explode(list_column, element) %}lateral view explode({{ list_column }}) exploded as {{ element }}{% endmacro %}

{#- The latest version of each record: raw keeps them all. A record's key (its contract says which columns) is
    unique within a hospital's system; `key` stands in for records loaded before keys were kept. A source that says
    when it changed a record is believed, whatever the order in which its files arrived. -#}
{% macro latest_version(relation, key, changed_at=none) %}
    select *
    from {{ relation }}
    qualify row_number() over (
        partition by source_system, system, coalesce(record_key, concat_ws('|', {{ key }}))
        order by
            {% if changed_at %}{{ changed_at }} desc nulls last,{% endif %}
            loaded_at desc,
            source_file desc,
            source_line desc
    ) = 1
{% endmacro %}

{#- The latest version of each record of a source that may also withdraw records. -#}
{% macro latest_version_in_force(relation, key) %}
    select *
    from ({{ latest_version(relation, key, 'record_updated_at') }}) as latest
    where coalesce(record_status, 'active') <> 'cancelled'
{% endmacro %}

{#- A number from the table of clinical windows and cut points. -#}
{% macro clinical_setting(name) -%}
    (select cast(value as double) from {{ ref('clinical_settings') }} where name = '{{ name }}')
{%- endmacro %}

{#- Found with what was found first -#}
{% macro is_within_synchronous_window(first_date, site_date) -%}
    {{ crlm_days_between(first_date, site_date) }} <= {{ clinical_setting('synchronous_window_days') }}
{%- endmacro %}
