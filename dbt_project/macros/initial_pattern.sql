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

{#- The milestones that a first recurrence is by each truth of its initial pattern: where it holds, where it does not, and where a
    site not stated leaves it open. -#}
{% macro first_recurrence_milestones() -%}
{{ return({
    'is_isolated_liver':
        ['isolated_liver_first_recurrence', 'other_than_isolated_liver_first_recurrence', 'first_recurrence_maybe_isolated_liver'],
    'has_margin_site': ['first_recurrence_at_margin', 'first_recurrence_not_at_margin', 'first_recurrence_maybe_at_margin'],
    'is_extrahepatic_only':
        ['extrahepatic_only_first_recurrence', 'other_than_extrahepatic_only_first_recurrence', 'first_recurrence_maybe_extrahepatic_only']
}) }}
{%- endmacro %}

{% macro first_recurrence_milestone(truth) -%}
{%- set milestones = first_recurrence_milestones()[truth] -%}
case
        when {{ truth }} then '{{ milestones[0] }}'
        when not {{ truth }} then '{{ milestones[1] }}'
        else '{{ milestones[2] }}'
    end
{%- endmacro %}

{#- The truths of an initial pattern that milestones tell. -#}
{% macro first_recurrence_truths() -%}
{{ return(first_recurrence_milestones().keys() | list) }}
{%- endmacro %}

{#- Every milestone that a first recurrence may be by its pattern, as a list of SQL. -#}
{% macro every_first_recurrence_milestone() -%}
'{{ first_recurrence_milestones().values() | sum(start=[]) | join("', '") }}'
{%- endmacro %}

{#- Whether two looks speak of one organ (the liver is the liver, wherever in it); one that does not say agrees with any. -#}
{% macro is_same_organ(organ, other_organ) -%}
({{ organ }} = {{ other_organ }} or {{ organ }} = 'not_stated' or {{ other_organ }} = 'not_stated')
{%- endmacro %}

{#- What is seen or said at a clinic visit alone is no evidence; a registry abstractor's statement is. -#}
{% macro is_evidence_of_recurrence(looks) -%}
(coalesce({{ looks }}.event_type, 'not_stated') <> 'clinic_visit' or coalesce(lower({{ looks }}.modality), '') = 'registry')
{%- endmacro %}
