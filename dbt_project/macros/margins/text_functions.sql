{#- The few functions whose names or dialects differ between DuckDB and Spark. Patterns are RE2 and Java compatible
    (no look-around, no back-references inside a pattern). -#}
{% macro crlm_regexp_matches(text, pattern) %}{{ return(adapter.dispatch('crlm_regexp_matches')(text, pattern)) }}{% endmacro %}
{% macro default__crlm_regexp_matches(text, pattern) %}regexp_matches({{ text }}, '{{ pattern }}'){% endmacro %}
{% macro spark__crlm_regexp_matches(text, pattern) %}({{ text }} rlike r'{{ pattern }}'){% endmacro %}

{% macro crlm_regexp_extract(text, pattern, group=0) %}{{ return(adapter.dispatch('crlm_regexp_extract')(text, pattern, group)) }}{% endmacro %}
{% macro default__crlm_regexp_extract(text, pattern, group) %}nullif(regexp_extract({{ text }}, '{{ pattern }}', {{ group }}), ''){% endmacro %}
{% macro spark__crlm_regexp_extract(text, pattern, group) %}nullif(regexp_extract({{ text }}, r'{{ pattern }}', {{ group }}), ''){% endmacro %}

{% macro crlm_regexp_replace_all(text, pattern, replacement) %}{{ return(adapter.dispatch('crlm_regexp_replace_all')(text, pattern, replacement)) }}{% endmacro %}
{% macro default__crlm_regexp_replace_all(text, pattern, replacement) %}regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g'){% endmacro %}
{% macro spark__crlm_regexp_replace_all(text, pattern, replacement) %}regexp_replace({{ text }}, r'{{ pattern }}', '{{ replacement | replace("\\", "$") }}'){% endmacro %}

{#- Several replacements, one after the other: a list of [pattern, replacement] -#}
{% macro crlm_replace_in_turn(text, replacements) %}
  {%- set result = namespace(sql=text) -%}
  {%- for pattern, replacement in replacements -%}
    {%- set result.sql = crlm_regexp_replace_all(result.sql, pattern, replacement) -%}
  {%- endfor -%}
  {{ return(result.sql) }}
{% endmacro %}

{% macro crlm_join_lines(text, separator, order_by) %}{{ return(adapter.dispatch('crlm_join_lines')(text, separator, order_by)) }}{% endmacro %}
{% macro default__crlm_join_lines(text, separator, order_by) %}string_agg({{ text }}, {{ separator }} order by {{ order_by }}){% endmacro %}
{% macro spark__crlm_join_lines(text, separator, order_by) %}listagg({{ text }}, {{ separator }}) within group (order by {{ order_by }}){% endmacro %}

{#- One key for several text columns, NULLs told apart from empty texts -#}
{% macro crlm_text_key(columns) -%}
md5(concat_ws('|'{% for column in columns %}, coalesce({{ column }}, chr(0)){% endfor %}))
{%- endmacro %}
