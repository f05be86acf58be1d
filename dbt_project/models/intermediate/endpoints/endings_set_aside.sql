-- What would end a patient's time for an endpoint and does not count, with the reason: no time lies between origin and end, or it
-- is not stated what it was.
select
    candidates.source_table,
    candidates.source_record_id,
    operations.source_system,
    candidates.study_id,
    candidates.endpoint,
    case
        when candidates.role = 'unsettled' then candidates.event_label || ': not counted for ' || candidates.endpoint
        else 'no time between origin and end of ' || candidates.endpoint
    end as reason
from {{ ref('endpoint_candidates') }} as candidates
inner join {{ ref('index_operations') }} as operations on candidates.study_id = operations.study_id
where candidates.candidate_number = 1 and (candidates.role = 'unsettled' or not candidates.is_a_time)
