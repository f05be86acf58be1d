-- The margin of every index operation: the reviewers' answer where there is one to today's question, else what was read or the registry states.
select
    margins.study_id,
    margins.accession_number,
    case
        when adjudicated.study_id is null then margins.margin_status
        when adjudicated.margin_group is null then 'unresolved'
        when adjudicated.margin_group = 'positive' then 'positive'
        else 'negative'
    end as margin_status,
    case when adjudicated.study_id is null then margins.margin_mm else adjudicated.margin_mm end as margin_mm,
    case
        when adjudicated.study_id is null then margins.margin_comparator
        when adjudicated.margin_mm is not null then '='
    end as margin_comparator,
    case when adjudicated.study_id is null then margins.margin_type end as margin_type,
    case
        when adjudicated.study_id is null then margins.margin_group else coalesce(adjudicated.margin_group, 'unresolved')
    end as margin_group,
    case when adjudicated.study_id is null then margins.rule else 'adjudicated' end as rule,
    case
        when adjudicated.study_id is null then margins.unresolved_reason else adjudicated.unresolved_reason
    end as unresolved_reason,
    margins.evidence_text,
    coalesce(adjudicated.source_record_id, margins.source_record_id) as source_record_id
from {{ ref('stated_operation_margins') }} as margins
left join {{ ref('adjudicated_margins') }} as adjudicated on margins.study_id = adjudicated.study_id
