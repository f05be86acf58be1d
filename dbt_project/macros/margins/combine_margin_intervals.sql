{#- A statement about the whole (own) and what its parts say (child) as one interval: where they overlap they speak of the
    same width and the narrower wording holds; otherwise the smaller one counts. NULL = says nothing. -#}
{% macro combined_low(own_low, own_high, child_low, child_high) -%}
case
    when {{ own_low }} is null then {{ child_low }}
    when {{ child_low }} is null then {{ own_low }}
    when {{ own_low }} <= {{ child_high }} and {{ child_low }} <= {{ own_high }} then greatest({{ own_low }}, {{ child_low }})
    else least({{ own_low }}, {{ child_low }})
end
{%- endmacro %}

{% macro combined_high(own_high, child_high) -%}
least(coalesce({{ own_high }}, {{ child_high }}), coalesce({{ child_high }}, {{ own_high }}))
{%- endmacro %}

{#- Involved in one statement and clear by a distance in the other -#}
{% macro is_contradiction(own_low, own_high, child_low, child_high) -%}
coalesce(({{ own_high }} = 0 and {{ child_low }} > 0) or ({{ child_high }} = 0 and {{ own_low }} > 0), false)
{%- endmacro %}

{#- Open ends of an interval: 'more than 5 mm' begins this much above 5; no upper end -#}
{% macro smallest_step_mm() %}{{ return('0.000001') }}{% endmacro %}
{% macro unbounded_mm() %}{{ return('1000000') }}{% endmacro %}

{#- Labels of metastases beside which there may be others: 'the main tumour', 'three are', 'four of five metastases'. -#}
{% macro some_lesions_pattern() %}
{%- set which = 'main|dominant|principal|larger|bigger|largest|biggest|index|smaller|other|others|remaining|rest' -%}
{%- set how_many = 'one|two|three|four|five|six|seven|eight|nine|ten' -%}
^(the )?({{ which }})( |$)|^({{ how_many }}) {% endmacro %}

{#- Labels of all that were not named before. -#}
{% macro the_others_pattern() %}{{ return('^(the |all )?(other|others|remaining|rest)( |$)') }}{% endmacro %}

{#- Labels of one metastasis by its size: 'the largest' is one of those that are numbered. -#}
{% macro by_size_pattern() %}{{ return('^(the )?(largest|biggest|smallest)( |$)') }}{% endmacro %}

{#- Labels of the largest of several. -#}
{% macro largest_pattern() %}{{ return('^(the )?(largest|biggest|larger|bigger)( |$)') }}{% endmacro %}

{#- Words of a clause that say that its distance is the smallest. -#}
{% macro closest_pattern() %}{{ return('closest|nearest|minim|narrowest|shortest|smallest|at least|tightest|closer|nearer') }}{% endmacro %}

{#- Labels with a number or a letter: 'metastasis 1', 'lesion b'. -#}
{% macro numbered_lesion_pattern() %}{{ return('^[a-z ]+ ([0-9]+|[a-z])$') }}{% endmacro %}

{#- How many metastases a clause counts at its beginning: 3 of '3 deposits, the largest 4 cm across', else NULL. -#}
{% macro lesions_counted(clause_text) -%}
{%- set words = {'two': 2, 'three': 3, 'four': 4, 'five': 5, 'six': 6, 'seven': 7, 'eight': 8, 'nine': 9, 'ten': 10} -%}
{%- set counted = "regexp_extract(lower(" ~ clause_text ~ "), '^[^a-z0-9]*([0-9]+|" ~ words | join('|') ~ ")[ \\n]', 1)" -%}
case {{ counted }}
    {% for word, number in words.items() %}when '{{ word }}' then {{ number }} {% endfor %}
    else try_cast({{ counted }} as integer)
end
{%- endmacro %}
