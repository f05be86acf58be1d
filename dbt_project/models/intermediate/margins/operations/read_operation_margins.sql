-- Exactly one row per index operation: its margin as the rules read it, or why they could not settle it.
with reports as (
    select study_id, {{ crlm_join_lines('accession_number', "', '", 'accession_number') }} as accession_numbers, min(first_record_id) as first_record_id
    from (
        select study_id, accession_number, min(record_id) as first_record_id
        from {{ ref('operation_margin_reports') }}
        group by study_id, accession_number
    ) as accessions
    group by study_id
)

select
    operations.study_id,
    coalesce(margins.accession_number, reports.accession_numbers) as accession_number,
    coalesce(margins.margin_status, 'unresolved') as margin_status,
    margins.margin_mm,
    margins.margin_comparator,
    margins.margin_type,
    coalesce(margins.margin_group, 'unresolved') as margin_group,
    case
        when without_margins.study_id is not null then 'no margins in this hospital''s records'
        when reports.study_id is null and margins.text_id is null then 'no pathology report'
        else coalesce(margins.rule, 'no margin statement')
    end as rule,
    case
        when without_margins.study_id is not null then without_margins.reason
        when reports.study_id is null and margins.text_id is null then 'no pathology report'
        when margins.text_id is null then 'no margin statement'
        else margins.unresolved_reason
    end as unresolved_reason,
    margins.evidence_text,
    coalesce(margins.record_id, reports.first_record_id) as source_record_id
from {{ ref('index_operations') }} as operations
left join reports on operations.study_id = reports.study_id
left join {{ ref('text_margins') }} as margins on operations.study_id = margins.text_id
left join {{ ref('underivable_patient_endpoints') }} as without_margins
    on operations.study_id = without_margins.study_id and without_margins.endpoint = 'margin_group'
