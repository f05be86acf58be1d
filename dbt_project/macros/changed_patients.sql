{#- How a night computes only the patients whose records changed (docs/incremental.md). The models stay what they are: what
    is true of a patient. A model under `incremental_strategy: changed_patients` (dbt_project.yml) keeps the rows of the other
    patients; it must say nothing of a patient that follows from the records of another one. -#}

{#- What says whose row it is: a column of study ids, named so or as the model's meta says -#}
{% macro patient_column(node) %}
{{ return(node.config.get('meta', {}).get('patient_column', 'study_id')) }}
{% endmacro %}

{% macro is_by_patient(node) %}
{{ return(node is not none and node.config.get('incremental_strategy') == 'changed_patients') }}
{% endmacro %}

{#- An engine's schemas stand in no database -#}
{% macro table_of_builds(name) %}
{%- set database = none if target.type == 'spark' else target.database -%}
{{ return(api.Relation.create(database=database, schema='intermediate', identifier=name)) }}
{% endmacro %}

{#- No ref: what stands above the changed patients is built before whatever is kept by patient, through staging -#}
{% macro changed_patients() %}
{{ return(table_of_builds('changed_patients')) }}
{% endmacro %}

{#- Whether this run computes only the changed patients' rows of the model at hand. It computes everybody's where it has not put tonight's
    records aside: where many changed, and where a few models are built alone. A dbt unit test has no table and does not either. -#}
{% macro is_of_changed_patients() %}
{%- set is_kept = execute and this is not none and config.get('incremental_strategy') == 'changed_patients' and is_incremental() -%}
{{ return(is_kept and (target.type != 'duckdb' or are_rows_of_tonight_kept())) }}
{% endmacro %}

{#- In a model that is kept by patient, another such model is tonight's changed patients' rows of it. -#}
{% macro ref() %}
    {%- set relation = builtins.ref(*varargs, **kwargs) -%}
    {%- if is_of_changed_patients() -%}
        {%- set node = graph.nodes.get('model.' ~ project_name ~ '.' ~ varargs[-1]) -%}
        {%- if is_by_patient(node) -%}
            {%- set is_changed = patient_column(node) ~ ' in (select study_id from ' ~ changed_patients() ~ ')' -%}
            {{ return('(select * from ' ~ tonight_or_all(relation) ~ ' where ' ~ is_changed ~ ')') }}
        {%- endif -%}
    {%- endif -%}
    {{ return(relation) }}
{% endmacro %}

{#- The caller names the version of the rules (a fingerprint of this project's files), else every run computes everybody. -#}
{% macro derivation_version() %}{{ return(var('derivation_version', invocation_id)) }}{% endmacro %}

{#- Every table is made anew. -#}
{% macro is_full_refresh() %}{{ return(flags.FULL_REFRESH) }}{% endmacro %}

{#- Whether everybody is computed: on a full refresh, and where more than a quarter of the patients changed. Then tables are made as a
    whole and in parts (macros/tables_of_duckdb.sql): so many rows put aside would fill the memory, and to take most rows out of a
    table and put them in again costs more than to make it. Known once changed_patients is made. -#}
{% macro is_everybody_computed() %}
    {%- if is_full_refresh() -%}{{ return(true) }}{%- endif -%}
    {%- if not execute or this is none or target.type != 'duckdb' or load_cached_relation(changed_patients()) is none -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set n_of_all = 'select count(*) from ' ~ table_of_builds('patient_fingerprints') -%}
    {{ return(run_query('select 4 * count(*) > (' ~ n_of_all ~ ') from ' ~ changed_patients()).rows[0][0]) }}
{% endmacro %}

{#- What each patient's rows in all models kept by patient were last built from -#}
{% macro built_patients() %}
{{ return(table_of_builds('built_patients')) }}
{% endmacro %}

{#- One row a night and model: rows computed, rows put in (of changed patients; all, where all were made anew), rows that gave way, rows
    there were -#}
{% macro recomputed_rows() %}
{{ return(table_of_builds('recomputed_rows')) }}
{% endmacro %}

{% macro make_accounts_of_builds() %}
{%- if target.type == 'spark' -%}{{ return('') }}{%- endif -%}
{#- named with its database: the encrypted file is not the one that a connection has by default -#}
create schema if not exists {{ target.database }}.intermediate;
{{ make_room_for_rows_of_tonight() }};
create table if not exists {{ built_patients() }} (study_id varchar, fingerprint hugeint, derivation_version varchar);
create table if not exists {{ recomputed_rows() }} (
    invocation_id varchar, schema_name varchar, table_name varchar,
    n_computed bigint, n_inserted bigint, n_deleted bigint, n_before bigint
)
{% endmacro %}

{#- Until every model has tonight's rows of a changed patient, she counts as changed: a night that is killed is made up for.
    The version stays what the other rows were built by. -#}
{% macro forget_changed_patients() %}
{%- if target.type == 'spark' -%}{{ return([]) }}{%- endif -%}
{{ return([
    'update ' ~ built_patients() ~ ' set fingerprint = null where study_id in (select study_id from ' ~ changed_patients() ~ ')',
    'insert into ' ~ built_patients() ~ ' select study_id, null, \'' ~ derivation_version() ~ '\' from ' ~ changed_patients()
    ~ ' where study_id not in (select study_id from ' ~ built_patients() ~ ')',
]) }}
{% endmacro %}

{#- Whether a node is a test that no two rows share what names one -#}
{% macro is_of_grain(node) %}
{{ return(node.resource_type == 'test' and node.test_metadata and node.test_metadata.name in ('one_row_per', 'unique_combination')) }}
{% endmacro %}

{#- At the end of a run: only if it built every model that is kept by patient, each succeeded, and so did the tests of grain that it ran,
    which look for twins of tonight's rows alone: what is not remembered is computed, and tested, once more -#}
{% macro remember_built_patients(results) %}
    {#- an engine keeps tables of its own, or none -#}
    {%- set is_engine = target.type == 'spark' -%}
    {%- if not execute or (is_engine and not env_var('CRLM_SPARK_KEPT', '')) -%}{{ return('') }}{%- endif -%}
    {%- set succeeded = results | selectattr('status', 'in', ['success', 'pass']) | map(attribute='node.unique_id') | list -%}
    {%- set missing = [] -%}
    {%- for id, node in graph.nodes.items() if node.resource_type == 'model' and (is_by_patient(node) or node.name == 'changed_patients') -%}
        {%- if id not in succeeded -%}{%- do missing.append(node.name) -%}{%- endif -%}
    {%- endfor -%}
    {%- for result in results if is_of_grain(result.node) and result.node.unique_id not in succeeded -%}
        {%- do missing.append(result.node.name) -%}
    {%- endfor -%}
    {%- if not missing -%}
        {{ 'insert overwrite ' ~ built_patients() if is_engine else 'create or replace table ' ~ built_patients() ~ ' as' }}
        select study_id, cast(fingerprint as hugeint) as fingerprint, '{{ derivation_version() }}' as derivation_version
        from {{ table_of_builds('patient_fingerprints') }}
    {%- endif -%}
{% endmacro %}
