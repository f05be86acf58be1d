{#- What is read once is kept for as long as the rules are the same: the caller names their version (a fingerprint of the
    files), else every run reads anew. -#}
{% macro margin_rules_version() %}{{ return(var('margin_rules_version', invocation_id)) }}{% endmacro %}

{% macro forget_other_rules() %}
{{ return("{% if is_incremental() %}delete from {{ this }} where rules_version <> '{{ margin_rules_version() }}'{% endif %}") }}
{% endmacro %}

{#- Reports that were amended or are no longer asked about -#}
{% macro forget_texts_no_longer_asked_about() %}
{{ return("{% if is_incremental() %}delete from {{ this }} where text_hash not in (select text_hash from {{ ref('margin_texts') }}){% endif %}") }}
{% endmacro %}
