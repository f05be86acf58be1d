-- Patients whose liver had been resected before that operation for the same disease, whatever the intent: it is not their first
-- hepatectomy. One for another disease does not matter.
select distinct operations.study_id
from {{ ref('operations_for_the_disease') }} as operations
inner join {{ ref('first_curative_hepatectomies') }} as first_operations
    on operations.study_id = first_operations.study_id
    and operations.operation_date < first_operations.operation_date
