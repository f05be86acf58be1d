{#- The grain: no two rows share these columns. Rows that are alike have one hash, so of a sound table the hashes are compared, and nothing
    else: eight bytes a row are grouped, not the texts of up to eight columns, which at tens of millions of rows was half of what a night
    of a few patients spent in dbt. Only rows whose hash stands twice are looked at themselves. -#}
{% test unique_combination(model, columns) %}
select {{ columns | join(', ') }}, count(*) as n_rows
from {{ model }}
{% if columns | length > 1 -%}
where {{ crlm_hash(columns) }} in (
    select {{ crlm_hash(columns) }} from {{ model }} group by {{ crlm_hash(columns) }} having count(*) > 1
)
{% endif -%}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
