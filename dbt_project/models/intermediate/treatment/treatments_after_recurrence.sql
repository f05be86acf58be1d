-- Treatments of a patient who recurred, on or after the day of first recurrence; others with the reason why not.
-- What two systems report alike counts once: the account that says whether disease was left, then the first system's by name.
select
    treatments.*,
    first_dates.first_recurrence_date,
    case
        when first_dates.study_id is null then 'treatment of recurrence, but no recurrence on record'
        when treatments.treatment_date < first_dates.first_recurrence_date then 'before the first recurrence'
        when treatments.treatment_date > vital.death_date then 'after the date of death'
        when
            treatments.system <> first_value(treatments.system) over (
                partition by treatments.study_id, treatments.treatment_date, treatments.treatment_type
                order by
                    case when coalesce(treatments.residual_disease, 'unknown') = 'unknown' then 1 else 0 end,
                    treatments.system
            )
            then 'the same treatment from another system'
    end as problem
from {{ ref('stg_recurrence_treatments') }} as treatments
inner join {{ ref('index_operations') }} as operations on treatments.study_id = operations.study_id
left join {{ ref('first_recurrence_dates') }} as first_dates on treatments.study_id = first_dates.study_id
left join {{ ref('stg_vital_status') }} as vital on treatments.study_id = vital.study_id
