-- Every look at a patient of the cohort against the index operation and the date of death: usable, or why not. A biopsy is a look
-- on the day its tissue was taken. What two systems report alike counts once, as the first system's by name; an abstractor's statement
-- and a clinic's are not alike.
with looks as (
    select
        events.study_id,
        events.event_id,
        coalesce(specimens.tissue_date, events.event_date) as event_date,
        specimens.treatment_record_id as specimen_of_treatment,
        events.event_type,
        events.modality,
        events.finding,
        case
            when events.sites is null and events.finding in ('suspicious', 'definite') then ['not_stated'] else events.sites
        end as sites,
        events.sites is null as is_without_site,
        events.unknown_site_words,
        -- who looked up the report behind a statement and found it borne out states what an abstractor would
        {{ is_evidence_of_recurrence('events') }} or events.is_borne_out as is_evidence,
        events.source_system,
        events.system,
        events.record_key,
        events.record_id
    from {{ ref('follow_up_events_as_answered') }} as events
    left join {{ ref('specimen_dates') }} as specimens on events.record_id = specimens.record_id
)

select
    looks.*,
    operations.index_operation_date,
    case
        when looks.event_date <= operations.index_operation_date then 'not after the index operation'
        when looks.event_date > vital.death_date then 'after the date of death'
        when
            looks.system <> min(looks.system) over (
                partition by
                    looks.study_id,
                    looks.event_date,
                    looks.event_type,
                    looks.finding,
                    array_to_string(looks.sites, ';'),
                    coalesce(looks.is_evidence, false)
            )
            then 'the same event from another system'
    end as problem
from looks
inner join {{ ref('index_operations') }} as operations on looks.study_id = operations.study_id
left join {{ ref('stg_vital_status') }} as vital on looks.study_id = vital.study_id
