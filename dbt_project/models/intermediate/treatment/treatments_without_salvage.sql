-- Why a treatment of recurrence is no salvage: the first thing that it lacks.
with later_looks as (
    select
        treatments.record_id,
        count(assessments.record_id) as n_looks,
        min(assessments.event_date) filter (where assessments.finding = 'no_evidence_of_disease') as no_evidence_date
    from {{ ref('treatments_after_recurrence') }} as treatments
    left join {{ ref('disease_assessments') }} as assessments
        on treatments.study_id = assessments.study_id and assessments.event_date > treatments.treatment_date
    group by treatments.record_id
)

select
    treatments.study_id,
    treatments.record_id,
    treatments.treatment_date,
    case
        when not coalesce(types.can_eradicate, false) then 1
        when treatments.residual_disease = 'present' then 2
        when coalesce(treatments.residual_disease, 'unknown') = 'unknown' then 3
        when later_looks.n_looks = 0 then 4
        when later_looks.no_evidence_date is null then 5
        else 6
    end as n_conditions_met,
    case
        when not coalesce(types.can_eradicate, false) then 'not a treatment that eradicates disease'
        when treatments.residual_disease = 'present' then 'disease was left'
        when coalesce(treatments.residual_disease, 'unknown') = 'unknown' then 'completeness not stated'
        when later_looks.n_looks = 0 then 'never looked at again'
        when later_looks.no_evidence_date is null then 'never seen free of disease afterwards'
        else 'disease seen again before a clear look'
    end as reason
from {{ ref('treatments_after_recurrence') }} as treatments
inner join later_looks on treatments.record_id = later_looks.record_id
left join {{ ref('treatment_types') }} as types on treatments.treatment_type = types.treatment_type
left join {{ ref('salvage_treatments') }} as salvages on treatments.record_id = salvages.record_id
where treatments.problem is null and salvages.record_id is null
