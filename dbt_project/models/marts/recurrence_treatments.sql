-- One row a treatment of recurrence.
select
    treatments.study_id,
    {{ crlm_days_between('operations.index_operation_date', 'treatments.treatment_date') }} as treatment_days,
    treatments.treatment_type,
    treatments.residual_disease,
    salvages.record_id is not null as is_salvage,
    without_salvage.reason as no_salvage_reason,
    treatments.record_id as source_record_id
from {{ ref('treatments_after_recurrence') }} as treatments
inner join {{ ref('index_operations') }} as operations on treatments.study_id = operations.study_id
left join {{ ref('salvage_treatments') }} as salvages on treatments.record_id = salvages.record_id
left join {{ ref('treatments_without_salvage') }} as without_salvage on treatments.record_id = without_salvage.record_id
where treatments.problem is null
