-- One row a patient and endpoint: how long, what ended it, and the record that says so.
select
    candidates.study_id,
    candidates.endpoint,
    candidates.time_days,
    case candidates.role when 'event' then 1 when 'competing' then 2 else 0 end as event_code,
    candidates.event_label,
    candidates.role || ': ' || replace(candidates.milestone, '_', ' ') as end_reason,
    candidates.source_table,
    candidates.source_record_id
from {{ ref('endpoint_candidates') }} as candidates
left join {{ ref('underivable_patient_endpoints') }} as underivable
    on candidates.study_id = underivable.study_id and candidates.endpoint = underivable.endpoint
where
    candidates.candidate_number = 1
    and candidates.is_a_time
    and candidates.role <> 'unsettled'
    and underivable.study_id is null
