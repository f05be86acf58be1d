{#- Raw keeps every version of every record; here stands what makes two rows of raw versions of one record. -#}

{#- Each feed's records of patients, and what stands in for the key of records that were loaded before keys were kept. -#}
{% macro keys_of_feeds() %}
{{ return({
    'registry': ['registry_record_id'],
    'pathology_messages': ['message_control_id', 'order_number'],
    'follow_up': ['event_id'],
    'treatments': ['treatment_id'],
    'vital_status': ['mrn'],
    'margin_adjudications': ['question_id', 'reviewer'],
}) }}
{% endmacro %}

{#- A record's key (its contract says which columns) is unique within a hospital's system. -#}
{% macro record_key(feed) -%}
coalesce(record_key, concat_ws('|', {{ keys_of_feeds()[feed] | join(', ') }}))
{%- endmacro %}

{#- All versions of one record have the same number; that two records share one is unlikely and does no harm. -#}
{% macro record_number_of(feed) -%}
{{ crlm_hash(["'" ~ feed ~ "'", 'source_system', 'system', record_key(feed)]) }}
{%- endmacro %}

{#- The latest version of each record. A source that says when it changed a record is believed, whatever the order in
    which its files arrived. A table that is kept from night to night looks only at the records that may matter to
    tonight's changed patients, at all versions of each. -#}
{% macro latest_version(feed, changed_at=none) %}
    select *
    from {{ source('raw', feed) }}
    {% if not execute or is_of_changed_patients() %}
    where {{ record_number_of(feed) }} in (select record_number from {{ ref('changed_records') }})
    {% endif %}
    {{ only_the_latest(feed, changed_at) }}
{% endmacro %}

{% macro only_the_latest(feed, changed_at=none) %}
    qualify row_number() over (
        partition by source_system, system, {{ record_key(feed) }}
        order by
            {% if changed_at %}{{ changed_at }} desc nulls last,{% endif %}
            loaded_at desc,
            source_file desc,
            source_line desc
    ) = 1
{% endmacro %}

{#- The latest version of each record of a source that may also withdraw records. -#}
{% macro latest_version_in_force(feed) %}
    select *
    from ({{ latest_version(feed, 'record_updated_at') }}) as latest
    where coalesce(record_status, 'active') <> 'cancelled'
{% endmacro %}

{#- Every version of every record with the patient whose it is tonight; NULL where nobody knows her -#}
{% macro record_versions_of_patients() %}
    select versions.record_number, versions.report_number, coalesce(versions.told_study_id, identifiers.study_id) as study_id
    from {{ ref('record_versions') }} as versions
    left join {{ ref('stg_patient_identities') }} as identifiers
        on versions.source_system = identifiers.source_system and versions.mrn = identifiers.mrn
{% endmacro %}
