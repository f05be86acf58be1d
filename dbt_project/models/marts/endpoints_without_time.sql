-- Endpoints to which a patient of the cohort has no time, each with its reason: together with marts.time_to_event they account
-- for every patient and endpoint whose origin the patient reached.
with winners as (
    select study_id, endpoint, role, event_label, is_a_time, source_table, source_record_id
    from {{ ref('endpoint_candidates') }}
    where candidate_number = 1
),

reached as (
    select study_id, 'index_operation' as origin from {{ ref('index_operations') }}
    union all
    select study_id, 'recurrence' from {{ ref('first_recurrence_dates') }}
),

-- only who lacks the record that would censor can end up with nothing that ends the time
censors as (
    select distinct endpoint, origin, milestone from {{ ref('endpoint_definitions') }}
    where role = 'censor' and milestone <> 'last_disease_assessment_long_before_death'
),

needed as (
    select distinct origin, milestone from censors
),

never_censored as (
    select reached.study_id, reached.origin, needed.milestone
    from reached
    inner join needed on reached.origin = needed.origin
    left join {{ ref('milestones') }} as milestones
        on reached.study_id = milestones.study_id and needed.milestone = milestones.milestone
    where milestones.study_id is null
),

without_end as (
    select never_censored.study_id, censors.endpoint, 'neither an event nor a ' || replace(censors.milestone, '_', ' ') as reason
    from never_censored
    inner join censors on never_censored.origin = censors.origin and never_censored.milestone = censors.milestone
    left join winners on never_censored.study_id = winners.study_id and censors.endpoint = winners.endpoint
    where winners.study_id is null
),

without_time as (
    select
        study_id,
        endpoint,
        case when role = 'unsettled' then event_label else 'no time between origin and end' end as reason,
        source_table,
        source_record_id
    from winners
    where role = 'unsettled' or not is_a_time
),

not_told as (
    select limits.study_id, limits.endpoint, limits.reason
    from {{ ref('underivable_patient_endpoints') }} as limits
    inner join censors on limits.endpoint = censors.endpoint
    inner join reached on limits.study_id = reached.study_id and censors.origin = reached.origin
),

reasons as (
    select study_id, endpoint, 1 as rank, reason, cast(null as varchar) as source_table, cast(null as varchar) as source_record_id
    from not_told
    union all
    select study_id, endpoint, 2, reason, source_table, source_record_id from without_time
    union all
    select study_id, endpoint, 3, reason, null, null from without_end
),

ordered as (
    select *, row_number() over (partition by study_id, endpoint order by rank) as reason_number
    from reasons
)

select study_id, endpoint, reason, source_table, source_record_id
from ordered
where reason_number = 1
