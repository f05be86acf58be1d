-- One row a patient who recurred: when, in which pattern, and whether the recurrence was salvaged.
select
    patterns.study_id,
    {{ crlm_days_between('operations.index_operation_date', 'patterns.first_recurrence_date') }} as recurrence_days,
    patterns.initial_pattern,
    patterns.is_isolated_liver,
    patterns.has_margin_site,
    patterns.n_initial_sites,
    case when without_treatments.study_id is null then salvages.study_id is not null end as has_salvage,
    {{ crlm_days_between('operations.index_operation_date', 'salvages.salvage_date') }} as salvage_days,
    margins.margin_group,
    patterns.source_record_id
from {{ ref('initial_recurrence_patterns') }} as patterns
inner join {{ ref('index_operations') }} as operations on patterns.study_id = operations.study_id
inner join {{ ref('operation_margins') }} as margins on patterns.study_id = margins.study_id
left join {{ ref('underivable_patient_endpoints') }} as without_treatments
    on patterns.study_id = without_treatments.study_id and without_treatments.endpoint = 'salvage'
left join {{ ref('first_salvages') }} as salvages on patterns.study_id = salvages.study_id
