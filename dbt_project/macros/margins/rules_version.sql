{#- What is read once is kept for as long as the rules are the same: the caller names their version (a fingerprint of the
    files), else every run reads anew. -#}
{% macro margin_rules_version() %}{{ return(var('margin_rules_version', invocation_id)) }}{% endmacro %}

{% macro forget_other_rules() %}
{{ return("{% if is_incremental() %}delete from {{ this }} where rules_version <> '{{ margin_rules_version() }}'{% endif %}") }}
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
