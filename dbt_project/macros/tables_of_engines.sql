{#- How tables are made on an engine of Spark's (docs/cluster.md). Where the engine keeps Delta tables from night to night
    (CRLM_SPARK_KEPT: their folder), a model that is kept by patient gives way to tonight's rows of the changed patients; else, and the
    other models always, every night makes every table anew. A contract's types are DuckDB's: they are given when the tables come
    back into the build file. -#}
{#- In the night's own folder, which goes when the night ends however that is (CRLM_SPARK_TABLES; docs/cluster.md): the files come back from
    there as they are, and an engine that was killed and started again finds none of them in its warehouse. -#}
{% macro as_files_of_tonight(relation) %}
    {%- set place = env_var('CRLM_SPARK_TABLES', '') -%}
    {%- if place -%} using parquet location '{{ place }}/{{ relation.schema }}.{{ relation.identifier }}'
    {%- else -%} using {{ env_var('CRLM_SPARK_FORMAT', 'parquet') }}
    {%- endif -%}
{% endmacro %}

{% macro full_build() %}
    {%- set relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {% do adapter.drop_relation(relation) %}
    {% call statement('main') -%}
        create table {{ relation }} {{ as_files_of_tonight(relation) }} as {{ compiled_code }}
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [relation]}) }}
{% endmacro %}

{#- The first night's: its columns are told by type, because a column of which that night knows no NULL would never take one. -#}
{% macro first_build_of_kept_table() %}
    {%- set relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- set columns = get_column_schema_from_query(compiled_code) -%}
    {% do adapter.drop_relation(relation) %}
    {% call statement('make') -%}
        create table {{ relation }} ({% for column in columns %}{{ column.quoted }} {{ column.dtype }}{{ ', ' if not loop.last }}{% endfor %})
        using delta location '{{ env_var('CRLM_SPARK_KEPT') }}/{{ this.schema }}.{{ this.identifier }}'
    {%- endcall %}
    {% call statement('main') -%}
        insert into {{ relation }} {{ compiled_code }}
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [relation]}) }}
{% endmacro %}

{#- Two statements where DuckDB has one transaction: after a night that does not end well the next one makes all tables anew. -#}
{% macro build_of_changed_patients() %}
    {%- set relation = this.incorporate(type='table') -%}
    {%- set tonight = this.incorporate(path={'identifier': this.identifier ~ '__tonight'}, type='table') -%}
    {%- set patient = patient_column(model) -%}
    {{ run_hooks(pre_hooks) }}
    {#- of a night that was killed, in a catalogue that lasts -#}
    {% do adapter.drop_relation(tonight) %}
    {% call statement('tonight') -%}
        create table {{ tonight }} {{ as_files_of_tonight(tonight) }} as {{ compiled_code }}
    {%- endcall %}
    {%- set columns = get_column_schema_from_query('select * from ' ~ tonight) | map(attribute='quoted') | join(', ') -%}
    {%- if is_by_patient(model) -%}
        {% call statement('give_way') -%}
            merge into {{ relation }} as kept using {{ changed_patients() }} as changed on kept.{{ patient }} = changed.study_id
            when matched then delete
        {%- endcall %}
    {%- endif -%}
    {% call statement('main') -%}
        insert into {{ relation }} ({{ columns }}) select {{ columns }} from {{ tonight }}
        {% if is_by_patient(model) %}where {{ patient }} in (select study_id from {{ changed_patients() }}){% endif %}
    {%- endcall %}
    {% do adapter.drop_relation(tonight) %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [relation]}) }}
{% endmacro %}

{% materialization table, adapter='spark' %}
    {{ return(full_build()) }}
{% endmaterialization %}

{% materialization incremental, adapter='spark' %}
    {%- if not env_var('CRLM_SPARK_KEPT', '') -%}
        {{ return(full_build()) }}
    {%- elif is_incremental() -%}
        {{ return(build_of_changed_patients()) }}
    {%- else -%}
        {{ return(first_build_of_kept_table()) }}
    {%- endif -%}
{% endmaterialization %}

{#- Seeds are given to the engine as the build file has them, so that their types are the same. -#}
{% materialization seed, adapter='spark' %}
    {%- do store_result('agate_table', response='OK', agate_table=load_agate_table()) -%}
    {% call statement('main') -%}
        select count(*) as n_rows from {{ this }}
    {%- endcall %}
    {{ return({'relations': [this]}) }}
{% endmaterialization %}
