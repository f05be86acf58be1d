-- The margin of each index operation and the rule it was read by; the words themselves stay in the build file.
select
    study_id,
    margin_status,
    margin_mm,
    margin_comparator,
    margin_type,
    margin_group,
    rule,
    unresolved_reason,
    source_record_id
from {{ ref('operation_margins') }}
