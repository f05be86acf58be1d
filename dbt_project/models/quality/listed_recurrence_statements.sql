-- Definite statements of a recurrence that are behind no row of marts.recurrences, each with the reason why not. One without a reason
-- would be lost: the gate adds them up.
with used as (
    select distinct evidence.record_id
    from {{ ref('recurrence_evidence') }} as evidence
    inner join {{ ref('recurrences') }} as recurrences
        on evidence.study_id = recurrences.study_id and evidence.site = recurrences.site
    where evidence.evidence = 'definite finding'
)

select
    statements.study_id,
    statements.source_system,
    statements.record_id as source_record_id,
    case
        when decisions.study_id is null then 'patient not in the operations registry'
        when decisions.exclusion_reason is not null then 'patient not in the cohort: ' || decisions.exclusion_reason
        when looks.problem is not null then looks.problem
        when not looks.is_evidence then 'a clinic visit alone is no evidence of recurrence'
    end as reason
from {{ ref('stg_follow_up_events') }} as statements
left join {{ ref('cohort_decisions') }} as decisions on statements.study_id = decisions.study_id
left join {{ ref('dated_follow_up_events') }} as looks on statements.record_id = looks.record_id
left join used on statements.record_id = used.record_id
where statements.finding = 'definite' and used.record_id is null
