-- The last usable look at each patient of the cohort.
with ordered as (
    select
        study_id,
        event_date,
        record_id,
        row_number() over (partition by study_id order by event_date desc, record_id asc) as look_number
    from {{ ref('disease_assessments') }}
)

select study_id, event_date as last_disease_assessment_date, record_id as source_record_id
from ordered
where look_number = 1
