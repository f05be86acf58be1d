-- Deaths after the index operation, each with its day and cause: the ones that count.
select vital.study_id, vital.death_date, vital.cause_of_death, vital.record_id
from {{ ref('stg_vital_status') }} as vital
inner join {{ ref('index_operations') }} as operations on vital.study_id = operations.study_id
where vital.vital_status = 'dead' and vital.death_date > operations.index_operation_date
