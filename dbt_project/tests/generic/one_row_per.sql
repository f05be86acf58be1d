{#- The grain: these columns name a row. None of them is missing, and no two rows share them all. -#}
{% test one_row_per(model, columns) %}
{% if columns | length == 1 -%}
{{ rows_shared(model, columns) }} or {{ columns[0] }} is null
{%- else -%}
{{ rows_shared(model, columns) }}
union
select {{ columns | join(', ') }}, count(*) as n_rows
from {{ model }}
where {% for column in columns %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
group by {{ columns | join(', ') }}
{%- endif %}
{% endtest %}
