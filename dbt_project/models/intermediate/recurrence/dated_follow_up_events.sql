-- Every look at a patient of the cohort against the index operation and the date of death: usable, or why not. What two
-- systems report alike counts once, as the first system's by name.
select
    events.*,
    operations.index_operation_date,
    case
        when events.event_date <= operations.index_operation_date then 'not after the index operation'
        when events.event_date > vital.death_date then 'after the date of death'
        when events.finding in ('suspicious', 'definite') and events.unknown_site_words is not null
            then 'finding of disease at a site in unknown words'
        when events.finding in ('suspicious', 'definite') and coalesce(len(events.sites), 0) = 0
            then 'finding of disease without a site'
        when
            events.system <> min(events.system) over (
                partition by
                    events.study_id, events.event_date, events.event_type, events.finding,
                    array_to_string(list_sort(events.sites), ';')
            )
            then 'the same event from another system'
    end as problem
from {{ ref('stg_follow_up_events') }} as events
inner join {{ ref('index_operations') }} as operations on events.study_id = operations.study_id
left join {{ ref('stg_vital_status') }} as vital on events.study_id = vital.study_id
