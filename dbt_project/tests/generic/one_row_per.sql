{#- The grain: these columns name a row. None of them is missing, and no two rows share them all. -#}
{% test one_row_per(model, columns) %}
{% if columns | length == 1 -%}
select {{ columns[0] }}, count(*) as n_rows
from {{ model }}
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
