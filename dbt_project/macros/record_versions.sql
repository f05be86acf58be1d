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
    'follow_up_adjudications': ['question_id', 'reviewer'],
}) }}
{% endmacro %}

{#- What reviewers answer: these name the patient by study id, not by MRN. -#}
{% macro feeds_of_answers() %}
{{ return(['margin_adjudications', 'follow_up_adjudications']) }}
{% endmacro %}

{#- A record's key (its contract says which columns) is unique within a hospital's system. -#}
{% macro record_key(feed, of='') -%}
coalesce({{ of }}record_key, concat_ws('|', {{ of }}{{ keys_of_feeds()[feed] | join(', ' ~ of) }}))
{%- endmacro %}

{#- All versions of one record have the same number; that two records share one (a key of two patients) does no harm. -#}
{% macro record_number_of(feed, of='') -%}
{{ crlm_hash(["'" ~ feed ~ "'", of ~ 'source_system', of ~ 'system', record_key(feed, of)]) }}
{%- endmacro %}

{#- The latest version of each record, a record being a key and a patient: a key that comes again with another patient replaces
    nothing. The patient is who the source itself says (a REDCap record, a FHIR Patient), else whose the MRN is tonight. A table
    that is kept from night to night looks only at the records that may matter to tonight's changed patients, at all versions
    of each. -#}
{% macro latest_version(feed) %}
    {%- set condition -%}
    {%- if not execute or is_of_changed_patients() -%}
    {{ record_number_of(feed, 'versions.') }} in (select record_number from {{ ref('changed_records') }})
    {%- endif -%}
    {%- endset -%}
    {%- set records = records_of_tonight(feed) if condition and execute else source('raw', feed) -%}
    select *
    from ({{ latest_of(feed, patient_of_record(feed), condition, 'mrn' in patient_of_record(feed), records) }}) as latest
    where not coalesce(is_withdrawn, false)
{% endmacro %}

{#- Where the records are looked for that may matter tonight: among those that were put aside, else in raw -#}
{% macro records_of_tonight(feed) %}
    {%- set raw = source('raw', feed) -%}
    {{ return(rows_of_tonight(raw) if are_rows_of_tonight_kept() else raw) }}
{% endmacro %}

{#- The same, also of records that are withdrawn; what an earlier contract read from the same file is no version. Most records have
    one version, and only those that may have several are put in order: to sort the texts of a million reports by their keys took
    longer than all that is read out of them. Two records that share a number are looked at closely both, which does no harm. -#}
{% macro latest_of(feed, patient, condition='', needs_patient=false, records=none) %}
    {%- set records = records or source('raw', feed) %}
    with several as (
        select {{ record_number_of(feed, 'versions.') }} as record_number
        from {{ records }} as versions
        where versions.superseded_by is null{% if condition %} and {{ condition }}{% endif %}

        group by {{ record_number_of(feed, 'versions.') }}
        having count(*) > 1
    ),

    the_latest as (
        select versions.record_id, versions.load_number, versions.loaded_at, true as is_latest
        from {{ records }} as versions
        {% if needs_patient -%}
        left join {{ ref('stg_patient_identities') }} as whose
            on versions.source_system = whose.source_system and versions.mrn = whose.mrn
        {% endif -%}
        where versions.superseded_by is null{% if condition %} and {{ condition }}{% endif %}

            and {{ record_number_of(feed, 'versions.') }} in (select record_number from several)
        {{ only_the_latest(feed, patient) }}
    )

    select versions.*
    from {{ records }} as versions
    left join several on {{ record_number_of(feed, 'versions.') }} = several.record_number
    left join the_latest
        on versions.record_id is not distinct from the_latest.record_id
        and versions.load_number is not distinct from the_latest.load_number
        and versions.loaded_at is not distinct from the_latest.loaded_at
    where versions.superseded_by is null{% if condition %} and {{ condition }}{% endif %}

        and (several.record_number is null or the_latest.is_latest)
{% endmacro %}

{#- The common tables `messages`, every pathology message in its latest version, and `lines`, a row a line of theirs -#}
{% macro lines_of_messages(condition='true') -%}
messages as (
    {{ latest_version('pathology_messages') }}
),

lines as (
    select
        record_id,
        unnest(observations) as line,
        generate_subscripts(observations, 1) as line_sequence
    from messages
    where {{ condition }}
)
{%- endmacro %}

{#- Whose a record is, in `latest_version` -#}
{% macro patient_of_record(feed) %}
{{ return('versions.study_id' if feed in feeds_of_answers() else 'coalesce(versions.source_patient, whose.study_id, versions.mrn)') }}
{% endmacro %}

{#- The source's own order of the versions decides (its version number, its time of update or of sending), whatever the order in
    which its files arrived; else the order of loading. -#}
{% macro only_the_latest(feed, patient) %}
    qualify row_number() over (
        partition by
            versions.source_system,
            versions.system,
            {{ record_key(feed, 'versions.') }},
            {{ patient }}
        order by
            versions.source_version desc nulls last,
            coalesce(versions.source_updated_at{% if feed in feeds_with_time_of_update() %}, versions.record_updated_at{% endif %}) desc nulls last,
            versions.load_number desc nulls last,
            versions.loaded_at desc,
            versions.record_number desc nulls last,
            versions.source_file desc,
            versions.source_line desc
    ) = 1
{% endmacro %}

{% macro feeds_with_time_of_update() %}
{{ return(['registry', 'follow_up', 'treatments', 'vital_status'] + feeds_of_answers()) }}
{% endmacro %}

{#- The latest version of each record of a source that may also withdraw records. -#}
{% macro latest_version_in_force(feed) %}
    select *
    from ({{ latest_version(feed) }}) as in_force
    where coalesce(record_status, 'active') <> 'cancelled'
{% endmacro %}

{#- Every version of every record with the patient whose it is tonight; NULL where nobody knows her -#}
{% macro record_versions_of_patients() %}
    select versions.record_number, versions.report_number, coalesce(versions.told_study_id, identifiers.study_id) as study_id
    from {{ ref('record_versions') }} as versions
    left join {{ ref('stg_patient_identities') }} as identifiers
        on versions.source_system = identifiers.source_system and versions.mrn = identifiers.mrn
{% endmacro %}

{#- Who answers on the page and in a sheet gives one answer: the later one. An answer about another patient than the question's (a sheet
    of which one column was sorted) displaces none: it is known apart by its study id, and of no patient whose records are others'. -#}
{% macro only_the_latest_answer() %}
qualify row_number() over (
    partition by study_id, question_id, reviewer order by cast(decided_at as timestamp) desc, record_id desc
) = 1
{% endmacro %}

{#- A question's id begins with the study id of the patient whom it asks about -#}
{% macro is_about_another_patient() -%}
substr(question_id, 1, length(study_id) + 1) <> study_id || ':'
{%- endmacro %}
