{#- The grain: these columns name a row. None of them is missing, and no two rows share them all. Of a table that is kept by patient only
    rows are looked at that could be tonight's twin, as in unique_combination. -#}
{% test one_row_per(model, columns) %}
{% if columns | length == 1 -%}
{%- set put_in = rows_put_in_tonight(model) %}
select {{ columns[0] }}, count(*) as n_rows
from {{ model }}
{% if put_in -%}
where {{ columns[0] }} in (select {{ columns[0] }} from {{ put_in }}) or {{ columns[0] }} is null
{% endif -%}
group by {{ columns[0] }}
having count(*) > 1 or {{ columns[0] }} is null
{%- else -%}
{{ test_unique_combination(model, columns) }}
union
select {{ columns | join(', ') }}, count(*) as n_rows
from {{ model }}
where {% for column in columns %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
group by {{ columns | join(', ') }}
{%- endif %}
{% endtest %}
