{#- The texts of several rows as one, in an order -#}
{% macro crlm_join_lines(text, separator, order_by) -%}
string_agg({{ text }}, {{ separator }} order by {{ order_by }})
{%- endmacro %}

{#- One key for several text columns, NULLs told apart from empty texts -#}
{% macro crlm_text_key(columns) -%}
md5(concat_ws('|'{% for column in columns %}, coalesce({{ column }}, chr(0)){% endfor %}))
{%- endmacro %}
