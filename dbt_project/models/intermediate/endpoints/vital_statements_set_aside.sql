-- Words on whether a patient of the cohort is alive that contradict themselves, her operation or her last look: that which cannot be is
-- not used.
with statements as (
    select
        vital.*,
        operations.index_operation_date,
        assessments.last_disease_assessment_date
    from {{ ref('stg_vital_status') }} as vital
    left join {{ ref('index_operations') }} as operations on vital.study_id = operations.study_id
    left join {{ ref('last_disease_assessments') }} as assessments on vital.study_id = assessments.study_id
)

select record_id as source_record_id, source_system, study_id, 'dead without a date of death' as reason
from statements
where index_operation_date is not null and vital_status = 'dead' and death_date is null
union all
select record_id, source_system, study_id, 'death not after the index operation'
from statements
where vital_status = 'dead' and death_date <= index_operation_date
union all
select record_id, source_system, study_id, 'alive with a date of death'
from statements
where index_operation_date is not null and is_alive_with_death_date
union all
select record_id, source_system, study_id, 'last contact after the date of death'
from statements
where index_operation_date is not null and last_contact_date > death_date
union all
-- to have been looked at is a contact: the look counts, the date of last contact does not
select record_id, source_system, study_id, 'last contact before a disease assessment'
from statements
where vital_status <> 'dead' and last_contact_date < last_disease_assessment_date
