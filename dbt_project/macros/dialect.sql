{#- Expressions that many models share. One spelling, DuckDB's: for other engines it is translated (docs/cluster.md). -#}

{% macro crlm_days_between(start_date, end_date) -%}
cast(date_diff('day', {{ start_date }}, {{ end_date }}) as integer)
{%- endmacro %}

{#- A number of 64 bits that stands for a row of values -#}
{% macro crlm_hash(columns) -%}
hash({{ columns | join(', ') }})
{%- endmacro %}

{#- One row an element of a list column; a NULL or empty list gives no row. -#}
{% macro crlm_explode(list_column, element) -%}
cross join unnest({{ list_column }}) as exploded({{ element }})
{%- endmacro %}

{#- A number from the table of clinical windows and cut points. -#}
{% macro clinical_setting(name) -%}
    (select cast(value as double) from {{ ref('clinical_settings') }} where name = '{{ name }}')
{%- endmacro %}

{#- A number from the plan of the analysis. -#}
{% macro plan_number(name) -%}
    (select cast(value as double) from {{ ref('analysis_plan') }} where name = '{{ name }}')
{%- endmacro %}

{#- Found with what was found first -#}
{% macro is_within_synchronous_window(first_date, site_date) -%}
    {{ crlm_days_between(first_date, site_date) }} <= {{ clinical_setting('synchronous_window_days') }}
{%- endmacro %}

{#- Completed years by the calendar: who was born on 29 February completes a year on 1 March where there is no such day. -#}
{% macro completed_years(birth_date, on_date) -%}
floor(({{ day_number(on_date) }} - ({{ day_number(birth_date) }})) / 10000.0)
{%- endmacro %}
{% macro day_number(a_date) -%}
10000 * extract(year from {{ a_date }}) + 100 * extract(month from {{ a_date }}) + extract(day from {{ a_date }})
{%- endmacro %}
