{#- The lines of the messages whose lines can be read each for itself (`are_dependent` false), or only beside others (true). The
    latter are few, and are what takes time: whatever compares lines looks at these alone. -#}
{% macro pathology_lines(are_dependent) %}
    select
        messages.record_id,
        unnest(messages.observations) as line,
        generate_subscripts(messages.observations, 1) as line_sequence
    from ({{ latest_version('pathology_messages') }}) as messages
    where messages.record_id in (
        select record_id from {{ ref('stg_pathology_reports') }} where coalesce(has_dependent_lines, true) = {{ are_dependent }}
    )
{% endmacro %}
