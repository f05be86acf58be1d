{#- What the initial sites of a patient say of the pattern, as aggregates over them: one set of rules for every synchronous window.
    A site that is not stated leaves open what it would decide. -#}
{% macro initial_pattern_truths() -%}
case
        when bool_or(organ not in ('liver', 'not_stated')) then false
        when not bool_or(organ = 'not_stated') then true
    end as is_isolated_liver,
    case when bool_or(organ = 'liver') then false when not bool_or(organ = 'not_stated') then true end as is_extrahepatic_only,
    case
        when bool_or(site = 'liver_at_margin') then true
        when not bool_or(site in ('liver', 'not_stated')) then false
    end as has_margin_site
{%- endmacro %}
