{#- Columns that every row has; one query for all of them, because dbt's own work costs more than the query. -#}
{% test never_missing(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
where {% for column in columns %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
