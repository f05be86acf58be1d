{#- The grain: no two rows share these columns. Rows that are alike have one hash, so of a sound table the hashes are compared, and nothing
    else: eight bytes a row are grouped, not the texts of up to eight columns, which at tens of millions of rows was half of what a night
    of a few patients spent in dbt. Only rows whose hash stands twice are looked at themselves.

    Where rows of changed patients replaced theirs (macros/rows_of_tonight.sql), a pair has at least one of them: the others were tested
    in the night that put them in, or their patients would still count as changed (`remember_built_patients`). Rows that have the columns
    of none of tonight's are then not grouped. -#}
{% test unique_combination(model, columns) %}
{%- set put_in = rows_put_in_tonight(model) %}
select {{ columns | join(', ') }}, count(*) as n_rows
from {{ model }}
{% if columns | length > 1 -%}
where {{ crlm_hash(columns) }} in (
    select {{ crlm_hash(columns) }}
    from {{ model }}
    {% if put_in -%}
    where {{ crlm_hash(columns) }} in (select {{ crlm_hash(columns) }} from {{ put_in }})
    {% endif -%}
    group by {{ crlm_hash(columns) }}
    having count(*) > 1
)
{% elif put_in -%}
where {{ columns[0] }} in (select {{ columns[0] }} from {{ put_in }}) or {{ columns[0] }} is null
{% endif -%}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
