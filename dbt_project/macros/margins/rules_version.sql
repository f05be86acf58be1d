{#- What is read once is kept for as long as the rules are the same: the caller names their version (a fingerprint of the
    files), else every run reads anew. -#}
{% macro margin_rules_version() %}{{ return(var('margin_rules_version', invocation_id)) }}{% endmacro %}

{% macro forget_other_rules() %}
{{ return("{% if is_incremental() %}delete from {{ this }} where rules_version <> '{{ margin_rules_version() }}'{% endif %}") }}
{% endmacro %}

{#- The texts among which one may not have been read: tonight's, for each that is not of a patient who changed had been read when her
    fingerprint was remembered; all of them where tonight's do not stand aside, or where anything that was read is forgotten. -#}
{% macro texts_that_may_be_unread() %}
    {%- set texts = ref('margin_texts') -%}
    {%- if not is_incremental() or not are_rows_of_tonight_kept() -%}{{ return(texts) }}{%- endif -%}
    {%- set of_other_rules = 'select count(*) from ' ~ this ~ ' where rules_version <> \'' ~ margin_rules_version() ~ '\'' -%}
    {{ return(texts if run_query(of_other_rules).rows[0][0] else tonight_or_all(texts)) }}
{% endmacro %}

{#- Reports that were amended or are no longer asked about -#}
{% macro forget_texts_no_longer_asked_about() %}
{%- if target.type == 'spark' -%}
{#- no engine deletes by a subquery -#}
{{ return(
    "{% if is_incremental() %}"
    ~ "merge into {{ this }} as kept "
    ~ "using (select distinct text_hash from {{ ref('margin_texts') }}) as asked on kept.text_hash = asked.text_hash "
    ~ "when not matched by source then delete"
    ~ "{% endif %}"
) }}
{%- endif -%}
{{ return(
    "{% if is_incremental() %}"
    ~ "delete from {{ this }} where text_hash not in (select text_hash from {{ ref('margin_texts') }})"
    ~ "{% endif %}"
) }}
{% endmacro %}
