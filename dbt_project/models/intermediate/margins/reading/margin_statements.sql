{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false, on_schema_change='sync_all_columns',
    pre_hook=[forget_other_rules(), forget_texts_no_longer_asked_about()]) }}
-- What the report reader (package report_reader, by the rules in report_reader/margins) finds in each distinct text. A text is
-- read once for as long as the rules are the same; one without any statement keeps a row, so that it is known to have been read.
with texts as (
    select distinct
        text_hash,
        text
    from {{ texts_that_may_be_unread() }}
    {% if is_incremental() %}where text_hash not in (select text_hash from {{ this }}){% endif %}
),

read as (
    select
        text_hash,
        read_margin_statements(text) as statements
    from texts
),

listed as (
    select
        text_hash,
        unnest(case when len(statements) = 0 then [null] else statements end) as statement
    from read
)

select
    text_hash,
    statement.clause as clause_number,
    statement.start as clause_start,
    statement.end as clause_end,
    statement.text as clause_text,
    statement.found_start as words_start,
    statement.found_end as words_end,
    statement.language,
    nullif(statement.rule, '') as rule,
    nullif(statement.reading, '') as reading,
    statement.certainty,
    nullif(statement.subject, '') as margin_type,
    nullif(statement.previous_subject, '') as previous_margin_type,
    nullif(statement.label, '') as lesion_label,
    nullif(statement.clause_label, '') as lesion_named,
    nullif(statement.comparator, '') as comparator,
    statement.mm as distance_mm,
    statement.up_to_mm,
    nullif(statement.part, '') as part_label,
    nullif(statement.organ, '') as part_organ,
    nullif(statement.site, '') as part_site,
    nullif(statement.section, '') as section_named,
    nullif(statement.clause_section, '') as clause_section,
    statement.starts_part,
    statement.marks,
    '{{ margin_rules_version() }}' as rules_version,
    '{{ invocation_id }}' as read_in_run
from listed
