-- One row an index operation: how long and how often the patient was followed, and for how long she could have been.
with looks as (
    select
        assessments.study_id,
        assessments.event_date,
        lag(assessments.event_date) over (partition by assessments.study_id order by assessments.event_date) as look_before
    from (select distinct study_id, event_date from {{ ref('disease_assessments') }}) as assessments
),

intervals as (
    select
        looks.study_id,
        count(*) as n_assessments,
        median({{ crlm_days_between('coalesce(looks.look_before, operations.index_operation_date)', 'looks.event_date') }}) as median_interval_days
    from looks
    inner join {{ ref('index_operations') }} as operations on looks.study_id = operations.study_id
    group by looks.study_id
)

select
    operations.study_id,
    margins.margin_group,
    {{ crlm_days_between('operations.index_operation_date', 'contacts.last_contact_date') }} as followed_days,
    coalesce(vital.vital_status = 'dead', false) as is_dead,
    -- who died was followed for as long as she could be (Clark 2002)
    case
        when vital.vital_status = 'dead' or contacts.last_contact_date > ends.record_end_date
            then {{ crlm_days_between('operations.index_operation_date', 'contacts.last_contact_date') }}
        else {{ crlm_days_between('operations.index_operation_date', 'ends.record_end_date') }}
    end as potential_days,
    case
        when vital.vital_status = 'dead' then false
        else {{ crlm_days_between('contacts.last_contact_date', 'ends.record_end_date') }} > {{ clinical_setting('lost_to_follow_up_after_days') }}
    end as is_lost_to_follow_up,
    {{ crlm_days_between('assessments.last_disease_assessment_date', 'deaths.milestone_date') }} as days_from_last_look_to_death,
    coalesce(
        {{ crlm_days_between('assessments.last_disease_assessment_date', 'deaths.milestone_date') }}
        > {{ clinical_setting('late_death_after_days') }},
        false
    ) as is_death_long_after_last_look,
    cast(coalesce(intervals.n_assessments, 0) as integer) as n_assessments,
    cast(intervals.median_interval_days as double) as median_assessment_interval_days
from {{ ref('index_operations') }} as operations
inner join {{ ref('operation_margins') }} as margins on operations.study_id = margins.study_id
left join {{ ref('last_contacts') }} as contacts on operations.study_id = contacts.study_id
left join {{ ref('stg_vital_status') }} as vital on operations.study_id = vital.study_id
left join {{ ref('hospital_record_ends') }} as ends on operations.source_system = ends.source_system
left join {{ ref('last_disease_assessments') }} as assessments on operations.study_id = assessments.study_id
left join {{ ref('milestones') }} as deaths on operations.study_id = deaths.study_id and deaths.milestone = 'death'
left join intervals on operations.study_id = intervals.study_id
