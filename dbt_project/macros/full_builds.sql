{#- On an engine of Spark's every night makes every table anew: a merge by patient needs Delta or Iceberg, which not every engine has
    (docs/cluster.md). A contract's types are DuckDB's: they are given when the tables come back into the build file. -#}
{% macro full_build() %}
    {%- set relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {% do adapter.drop_relation(relation) %}
    {% call statement('main') -%}
        create table {{ relation }} using {{ env_var('CRLM_SPARK_FORMAT', 'parquet') }} as {{ compiled_code }}
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [relation]}) }}
{% endmacro %}

{% materialization table, adapter='spark' %}
    {{ return(full_build()) }}
{% endmaterialization %}

{% materialization incremental, adapter='spark' %}
    {{ return(full_build()) }}
{% endmaterialization %}

{#- Seeds are given to the engine as the build file has them, so that their types are the same. -#}
{% materialization seed, adapter='spark' %}
    {%- do store_result('agate_table', response='OK', agate_table=load_agate_table()) -%}
    {% call statement('main') -%}
        select count(*) as n_rows from {{ this }}
    {%- endcall %}
    {{ return({'relations': [this]}) }}
{% endmaterialization %}
