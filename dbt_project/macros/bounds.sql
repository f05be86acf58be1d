{#- A number of raw may be a bound ('<0.5', '>=10'; canonical_feeds.yml: may_be_bound). It is kept as what it is: as a number it is
    missing, and against a cut point it says what it can. -#}

{#- The number that was told; missing where a bound was. -#}
{% macro number_told(told, type='double') -%}
case when left({{ told }}, 1) not in ('<', '>') then cast({{ told }} as {{ type }}) end
{%- endmacro %}

{#- Whether what was told lies above the cut point: '>5' does above 5, '<0.5' does not above 200, '<300' may or may not. -#}
{% macro is_bound_above(told, cut_point) -%}
case
    when left({{ told }}, 2) = '>=' then case when cast(substr({{ told }}, 3) as double) > {{ cut_point }} then true end
    when left({{ told }}, 2) = '<=' then case when cast(substr({{ told }}, 3) as double) <= {{ cut_point }} then false end
    when left({{ told }}, 1) = '>' then case when cast(substr({{ told }}, 2) as double) >= {{ cut_point }} then true end
    when left({{ told }}, 1) = '<' then case when cast(substr({{ told }}, 2) as double) <= {{ cut_point }} then false end
end
{%- endmacro %}
