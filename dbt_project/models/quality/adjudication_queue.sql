-- Margins that the rules could not settle: one question a patient for the coordinator, without the report's words.
select
    study_id,
    source_record_id,
    unresolved_reason,
    'What is the hepatic parenchymal margin of the index operation: positive, or how many mm?' as question
from {{ ref('operation_margins') }}
where margin_group = 'unresolved' and coalesce(rule, '') <> 'no margins in this hospital''s records'
