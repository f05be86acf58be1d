-- Who dies long after the last look is not known to have died without recurrence: for recurrence endpoints such a patient's time
-- ends at that look.
select
    deaths.study_id,
    deaths.death_date,
    assessments.last_disease_assessment_date
from {{ ref('deaths_of_the_cohort') }} as deaths
inner join {{ ref('last_disease_assessments') }} as assessments on deaths.study_id = assessments.study_id
where {{ crlm_days_between('assessments.last_disease_assessment_date', 'deaths.death_date') }}
    > {{ clinical_setting('late_death_after_days') }}
