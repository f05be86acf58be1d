{#- What the initial sites of a patient say of the pattern, as aggregates over them: one set of rules for every synchronous window.
    A site that is not stated leaves open (NULL) what it would decide: it competes, as a pattern of its own name. The liver without
    a place counts as away from the margin. -#}
{% macro initial_pattern_truths() -%}
case
        when bool_or(organ not in ('liver', 'not_stated')) then false
        when not bool_or(organ = 'not_stated') then true
    end as is_isolated_liver,
    case when bool_or(organ = 'liver') then false when not bool_or(organ = 'not_stated') then true end as is_extrahepatic_only,
    case when bool_or(site like '%_at_margin') then true when not bool_or(organ = 'not_stated') then false end as has_margin_site
{%- endmacro %}

{#- Whether two looks speak of one organ (the liver is the liver, wherever in it); one that does not say agrees with any. -#}
{% macro is_same_organ(organ, other_organ) -%}
({{ organ }} = {{ other_organ }} or {{ organ }} = 'not_stated' or {{ other_organ }} = 'not_stated')
{%- endmacro %}

{#- What is seen or said at a clinic visit alone is no evidence; a registry abstractor's statement is. -#}
{% macro is_evidence_of_recurrence(looks) -%}
(coalesce({{ looks }}.event_type, 'not_stated') <> 'clinic_visit' or coalesce(lower({{ looks }}.modality), '') = 'registry')
{%- endmacro %}
