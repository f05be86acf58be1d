{#- The study that tonight's cohort is made for: a row of seeds.studies, chosen by the variable `study`. -#}
{% macro the_study(column) -%}
(select {{ column }} from {{ ref('studies') }} where study = '{{ var('study') }}')
{%- endmacro %}

{#- Whether it has such a criterion. -#}
{% macro study_asks_for(criterion) -%}
exists (select 1 from {{ ref('cohort_criteria') }} where study = '{{ var('study') }}' and criterion = '{{ criterion }}')
{%- endmacro %}
