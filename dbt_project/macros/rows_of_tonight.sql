{#- In a night in which few patients changed DuckDB keeps their rows of tonight beside the build file for the time of the run: the models
    below read them there and do not look for them among everybody's, once for each model and each table that it reads. -#}

{% macro make_room_for_rows_of_tonight() %}{{ return("attach if not exists ':memory:' as tonight") }}{% endmacro %}

{% macro rows_of_tonight(relation) %}
{%- set name = relation.schema ~ '__' ~ relation.identifier -%}
{{ return(api.Relation.create(database='tonight', schema='main', identifier=name, type='table')) }}
{% endmacro %}

{#- Since this run put the records aside that may matter; one that builds a few models alone does not -#}
{% macro are_rows_of_tonight_kept() %}
{{ return(execute and target.type == 'duckdb' and load_cached_relation(rows_of_tonight(table_of_builds('changed_records'))) is not none) }}
{% endmacro %}

{#- Tonight's rows of a model or source, where they are kept; else all its rows -#}
{% macro tonight_or_all(relation) %}
    {%- set is_kept = are_rows_of_tonight_kept() and load_cached_relation(rows_of_tonight(relation)) is not none -%}
    {{ return(rows_of_tonight(relation) if is_kept else relation) }}
{% endmacro %}

{#- For a data test: the rows that replaced others' tonight in the table that it tests, given as its test has it (text); none where tonight's
    do not stand aside, or the table was made as a whole -#}
{% macro rows_put_in_tonight(tested) %}
    {%- set names = (tested | string).replace('"', '').replace('`', '').split('.') -%}
    {%- if names | length != 3 or not are_rows_of_tonight_kept() -%}{{ return(none) }}{%- endif -%}
    {%- set put_in = rows_of_tonight(api.Relation.create(database=names[0], schema=names[1], identifier=names[2])) -%}
    {{ return(put_in if load_cached_relation(put_in) is not none else none) }}
{% endmacro %}

{#- The records that may matter tonight, read from raw once and not by each model that asks for them: DuckDB reads a message to its last
    line before it finds that it is of nobody who changed. None where everybody is computed. -#}
{% macro put_records_of_tonight_aside() %}
    {%- if not execute or target.type != 'duckdb' or is_everybody_computed() -%}{{ return('') }}{%- endif -%}
    {%- set queries = ['create or replace table ' ~ rows_of_tonight(this) ~ ' as from ' ~ this] -%}
    {%- do adapter.cache_added(rows_of_tonight(this)) -%}
    {%- for feed in keys_of_feeds() -%}
        {%- set raw = source('raw', feed) -%}
        {%- do adapter.cache_added(rows_of_tonight(raw)) -%}
        {%- set is_asked_for = record_number_of(feed, 'versions.') ~ ' in (select record_number from ' ~ rows_of_tonight(this) ~ ')' -%}
        {%- do queries.append(
            'create or replace table ' ~ rows_of_tonight(raw) ~ ' as select * from ' ~ raw
            ~ ' where rowid in (select versions.rowid from ' ~ raw ~ ' as versions where ' ~ is_asked_for ~ ')'
        ) -%}
    {%- endfor -%}
    {{ return(queries | join(';\n')) }}
{% endmacro %}

{#- The rows of changed patients, and of patients who are no more, give way to the new ones in one transaction; each model's
    account of it stands in recomputed_rows. -#}
{% macro replace_rows_of_changed_patients() %}
    {%- set relation = this.incorporate(type='table') -%}
    {%- set tonight = rows_of_tonight(this) -%}
    {%- set is_changed = patient_column(model) ~ ' in (select study_id from ' ~ changed_patients() ~ ')' -%}
    {{ run_hooks(pre_hooks) }}
    {#- DuckDB writes into one database a transaction; dbt may have begun one to ask which tables there are -#}
    {% call statement('tonight') -%}
        create or replace table {{ tonight }} as {{ compiled_code }}
    {%- endcall %}
    {% do adapter.commit() %}
    {% call statement('main') -%}
        set variable n_before = (select count(*) from {{ relation }});
        delete from {{ relation }} where {{ is_changed }};
        insert into {{ recomputed_rows() }}
        select
            '{{ invocation_id }}', '{{ this.schema }}', '{{ this.identifier }}',
            (select count(*) from {{ tonight }}),
            (select count(*) from {{ tonight }} where {{ is_changed }}),
            getvariable('n_before') - (select count(*) from {{ relation }}),
            getvariable('n_before');
        insert into {{ relation }} by name select * from {{ tonight }} where {{ is_changed }}
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [relation, tonight]}) }}
{% endmacro %}
