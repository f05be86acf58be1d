-- One row a patient who recurred: when, in which pattern, and whether the recurrence was salvaged, else what was lacking.
with nearest_to_salvage as (
    select
        study_id,
        reason,
        row_number() over (partition by study_id order by n_conditions_met desc, treatment_date asc, record_id asc) as nearness
    from {{ ref('treatments_without_salvage') }}
)

select
    patterns.study_id,
    {{ crlm_days_between('operations.index_operation_date', 'patterns.first_recurrence_date') }} as recurrence_days,
    -- sites that a hospital does not tell are no several sites
    case
        when patterns.has_site_not_stated and without_sites.study_id is not null then 'not stated'
        else patterns.initial_pattern
    end as initial_pattern,
    patterns.is_isolated_liver,
    patterns.has_margin_site,
    patterns.n_initial_sites,
    case when without_treatments.study_id is null then salvages.study_id is not null end as has_salvage,
    {{ crlm_days_between('operations.index_operation_date', 'salvages.salvage_date') }} as salvage_days,
    case
        when without_treatments.study_id is not null then without_treatments.reason
        when salvages.study_id is null then coalesce(nearest_to_salvage.reason, 'no treatment on record')
    end as no_salvage_reason,
    margins.margin_group,
    patterns.source_record_id
from {{ ref('initial_recurrence_patterns') }} as patterns
inner join {{ ref('index_operations') }} as operations on patterns.study_id = operations.study_id
inner join {{ ref('operation_margins') }} as margins on patterns.study_id = margins.study_id
left join {{ ref('underivable_patient_milestones') }} as without_treatments
    on patterns.study_id = without_treatments.study_id and without_treatments.milestone = 'salvage'
left join {{ ref('underivable_patient_milestones') }} as without_sites
    on patterns.study_id = without_sites.study_id and without_sites.milestone = 'isolated_liver_first_recurrence'
left join {{ ref('first_salvages') }} as salvages on patterns.study_id = salvages.study_id
left join nearest_to_salvage on patterns.study_id = nearest_to_salvage.study_id and nearest_to_salvage.nearness = 1
