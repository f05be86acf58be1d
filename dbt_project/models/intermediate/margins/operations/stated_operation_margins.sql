-- The margin of every index operation as reports and registry state it: what was read, and the registry's residual status R1 where
-- no report says anything. Where a report says otherwise they contradict each other, and the margin is open.
with judged as (
    select
        margins.*,
        operations.source_record_id as registry_record_id,
        coalesce(operations.residual_disease = 'R1', false)
        and spoken.study_id is null
        and margins.rule <> 'no margins in this hospital''s records' as is_positive_by_registry,
        coalesce(operations.residual_disease = 'R1', false)
        and (
            margins.margin_group not in ('positive', 'unresolved')
            or (margins.margin_group = 'unresolved' and margins.unresolved_reason = 'distance not given')
        ) as is_contradiction
    from {{ ref('read_operation_margins') }} as margins
    inner join {{ ref('index_operations') }} as operations on margins.study_id = operations.study_id
    left join {{ ref('operations_with_margin_statements') }} as spoken on margins.study_id = spoken.study_id
)

select
    study_id,
    accession_number,
    case
        when is_positive_by_registry then 'positive'
        when is_contradiction then 'unresolved'
        else margin_status
    end as margin_status,
    case when is_positive_by_registry then 0.0 when not is_contradiction then margin_mm end as margin_mm,
    case when is_positive_by_registry then '=' when not is_contradiction then margin_comparator end as margin_comparator,
    margin_type,
    case
        when is_positive_by_registry then 'positive'
        when is_contradiction then 'unresolved'
        else margin_group
    end as margin_group,
    case
        when is_positive_by_registry then 'registry''s residual status'
        when is_contradiction then 'registry says R1, report a clear margin'
        else rule
    end as rule,
    case
        when is_contradiction then 'registry says R1, report a clear margin'
        when not is_positive_by_registry then unresolved_reason
    end as unresolved_reason,
    evidence_text,
    case when is_positive_by_registry then registry_record_id else source_record_id end as source_record_id
from judged
