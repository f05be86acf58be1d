-- The recurrence endpoints by each other rule for deaths without a known recurrence: how long after the last disease assessment a
-- death still counts. What ended by a recurrence ended the same way by every rule.
with recurrence_endpoints as (
    select endpoint, max(case when milestone = 'death_soon_after_last_assessment' then role end) as role_of_death
    from {{ ref('endpoint_definitions') }}
    group by endpoint
    having bool_or(milestone = 'last_disease_assessment_long_before_death')
),

ends as (
    select
        times.study_id,
        times.endpoint,
        times.time_days,
        times.event_code,
        endpoints.role_of_death,
        times.event_code <> 0 and times.source_table = 'stg_follow_up_events' as is_recurrence,
        {{ crlm_days_between('operations.index_operation_date', 'deaths.milestone_date') }} as death_days,
        {{ crlm_days_between('operations.index_operation_date', 'assessments.last_disease_assessment_date') }} as last_look_days
    from {{ ref('time_to_event') }} as times
    inner join recurrence_endpoints as endpoints on times.endpoint = endpoints.endpoint
    inner join {{ ref('index_operations') }} as operations on times.study_id = operations.study_id
    left join {{ ref('milestones') }} as deaths on times.study_id = deaths.study_id and deaths.milestone = 'death'
    left join {{ ref('last_disease_assessments') }} as assessments on times.study_id = assessments.study_id
),

ruled as (
    select
        ends.*,
        rules.death_rule,
        rules.late_death_after_days,
        not ends.is_recurrence and ends.death_days is not null and ends.role_of_death is not null as is_by_rule,
        coalesce(ends.death_days - ends.last_look_days <= rules.late_death_after_days, true) as is_counted_death
    from ends
    cross join {{ ref('late_death_alternatives') }} as rules
)

select
    study_id,
    endpoint,
    death_rule,
    late_death_after_days,
    case when not is_by_rule then time_days when is_counted_death then death_days else last_look_days end as time_days,
    case
        when not is_by_rule then event_code
        when not is_counted_death then 0
        when role_of_death = 'event' then 1
        else 2
    end as event_code
from ruled
