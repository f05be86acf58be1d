-- Treatments of a patient who recurred, on or after the day of first recurrence; others with the reason why not.
select
    treatments.*,
    first_dates.first_recurrence_date,
    case
        when first_dates.study_id is null then 'treatment of recurrence, but no recurrence on record'
        when treatments.treatment_date < first_dates.first_recurrence_date then 'before the first recurrence'
        when treatments.treatment_date > vital.death_date then 'after the date of death'
    end as problem
from {{ ref('stg_recurrence_treatments') }} as treatments
inner join {{ ref('index_operations') }} as operations on treatments.study_id = operations.study_id
left join {{ ref('first_recurrence_dates') }} as first_dates on treatments.study_id = first_dates.study_id
left join {{ ref('stg_vital_status') }} as vital on treatments.study_id = vital.study_id
