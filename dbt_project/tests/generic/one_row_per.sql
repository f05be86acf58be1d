{#- The grain: these columns name a row. None of them is missing, and no two rows share them all. -#}
{% test one_row_per(model, columns) %}
select {{ columns | join(', ') }}, count(*) as n_rows
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1{% for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}
