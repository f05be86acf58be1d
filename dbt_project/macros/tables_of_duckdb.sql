{#- How a table is made in the build file: by one statement under its own name. dbt-duckdb makes it under another name, asks the catalog
    for constraints, indexes and tables that refer to it, and renames twice: none of our tables has any of these, a statement that
    fails leaves the table as it was, and nobody else has the file open. -#}

{#- With a contract the columns are made first, with their types, then filled: both or neither. -#}
{% macro make_table_at_once() %}
    {%- set relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set is_under_contract = config.get('contract').enforced -%}
    {%- if existing is not none and not existing.is_table -%}
        {% do adapter.drop_relation(existing) %}
    {%- endif -%}
    {{ run_hooks(pre_hooks) }}
    {%- if is_under_contract -%}{{ get_assert_columns_equivalent(compiled_code) }}{%- endif -%}
    {% call statement('main', auto_begin=is_under_contract) -%}
        {%- if is_under_contract -%}
            create or replace table {{ relation }} {{ get_table_columns_and_constraints() }};
            insert into {{ relation }} {{ get_column_names() }} {{ get_select_subquery(compiled_code) }}
        {%- else -%}
            create or replace table {{ relation }} as {{ compiled_code }}
        {%- endif -%}
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [relation]}) }}
{% endmacro %}

{% materialization table, adapter='duckdb' %}
    {{ return(make_table_at_once()) }}
{% endmaterialization %}

{% materialization incremental, adapter='duckdb' %}
    {%- if is_incremental() -%}
        {{ return(dbt.materialization_incremental_duckdb()) }}
    {%- else -%}
        {{ return(make_table_at_once()) }}
    {%- endif -%}
{% endmaterialization %}

{#- What Dagster plots over the nights, told before the build file is closed, which takes a second or two: JSON of 'schema__table' and
    rows behind the words that orchestration/assets/dbt_models.py looks for -#}
{% macro tell_row_counts(results) %}
    {%- set queries = [] -%}
    {%- for result in results if execute and target.type == 'duckdb' and result.status == 'success' -%}
        {%- if result.node.resource_type in ('model', 'seed') and result.node.config.materialized != 'view' -%}
            {%- set name = result.node.schema ~ '__' ~ result.node.alias -%}
            {%- do queries.append("select '" ~ name ~ "' as name, count(*) as n_rows from " ~ result.node.relation_name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if queries -%}
        {%- set counts = {} -%}
        {%- for row in run_query(queries | join(' union all ')).rows -%}
            {%- do counts.update({row[0]: row[1] | int}) -%}
        {%- endfor -%}
        {%- do log('rows of tables: ' ~ tojson(counts), info=true) -%}
    {%- endif -%}
{% endmacro %}
