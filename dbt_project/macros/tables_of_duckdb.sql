{#- How a table is made in the build file: by one statement under its own name. dbt-duckdb makes it under another name, asks the catalog
    for constraints, indexes and tables that refer to it, and renames twice: none of our tables has any of these, a statement that
    fails leaves the table as it was, and nobody else has the file open. -#}

{#- DuckDB cannot move texts that it is joining together out of memory: where a table has more rows than `most_rows` of the model's meta
    `in_parts`, the model is computed in so many parts, one after the other, each of the rows whose `of_one_part` has one remainder. -#}
{% macro of_one_part(columns) -%}
{%- if target.type == 'spark' -%}true{%- else -%}({{ crlm_hash(columns) }} {{ remainder_of_part(0, 1) }}{%- endif -%}
{%- endmacro %}
{% macro remainder_of_part(part, n_parts) %}{{ return('% ' ~ n_parts ~ ') = ' ~ part) }}{% endmacro %}
{% macro code_of_part(part, n_parts) -%}
{{ return(compiled_code | replace(remainder_of_part(0, 1), remainder_of_part(part, n_parts))) }}
{%- endmacro %}

{% macro number_of_parts() %}
    {%- set asked = config.get('meta', {}).get('in_parts') -%}
    {%- if not asked or remainder_of_part(0, 1) not in compiled_code -%}{{ return(1) }}{%- endif -%}
    {%- set n_rows = run_query('select count(*) from ' ~ builtins.ref(asked.rows_of)).rows[0][0] | int -%}
    {{ return(1 + n_rows // asked.most_rows) }}
{% endmacro %}

{#- With a contract the columns are made first, with their types, then filled: both or neither. Where a table that is kept by patient is
    made anew without a full refresh, since many patients changed, its account stands in recomputed_rows. -#}
{% macro make_table_at_once() %}
    {%- set relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set n_parts = number_of_parts() -%}
    {%- set is_under_contract = config.get('contract').enforced -%}
    {%- set is_accounted_for = is_by_patient(model) and is_incremental() -%}
    {%- if existing is not none and not existing.is_table -%}
        {% do adapter.drop_relation(existing) %}
    {%- endif -%}
    {{ run_hooks(pre_hooks) }}
    {%- if is_under_contract -%}{{ get_assert_columns_equivalent(compiled_code) }}{%- endif -%}
    {% call statement('main', auto_begin=is_under_contract or is_accounted_for or n_parts > 1) -%}
        {% if is_accounted_for -%}
            set variable n_before = (select count(*) from {{ relation }});
        {% endif -%}
        {%- if is_under_contract -%}
            create or replace table {{ relation }} {{ get_table_columns_and_constraints() }};
            insert into {{ relation }} {{ get_column_names() }} {{ get_select_subquery(compiled_code) }}
        {%- else -%}
            create or replace table {{ relation }} as {{ code_of_part(0, n_parts) }}
            {%- for part in range(1, n_parts) -%};
            insert into {{ relation }} {{ code_of_part(part, n_parts) }}
            {%- endfor -%}
        {%- endif -%}
        {%- if is_accounted_for %}
            ;
            insert into {{ recomputed_rows() }}
            select '{{ invocation_id }}', '{{ this.schema }}', '{{ this.identifier }}', count(*), count(*), getvariable('n_before'), getvariable('n_before')
            from {{ relation }}
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
    {%- if is_of_changed_patients() -%}
        {{ return(replace_rows_of_changed_patients()) }}
    {%- elif is_incremental() and not is_by_patient(model) -%}
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
