-- Every look at a patient with what reviewers settled about it: the site that it did not tell, and whether something bears out what was
-- said at a clinic visit - then from the day of that image or tissue, where one was given.
with answered as (
    select questions.record_id, agreed.asks, agreed.sites, agreed.evidence_date, agreed.source_record_id
    from {{ ref('follow_up_questions') }} as questions
    inner join {{ ref('agreed_follow_up_answers') }} as agreed
        on questions.study_id = agreed.study_id and questions.question_id = agreed.question_id
    where agreed.answer = 'recurrence'
)

select
    events.study_id,
    events.event_id,
    coalesce(answered.evidence_date, events.event_date) as event_date,
    events.specimen_date,
    events.event_type,
    events.modality,
    events.finding,
    case
        when answered.record_id is null then events.sites
        when answered.asks = 'statement' or events.sites is null then answered.sites
        else list_sort(list_distinct(list_concat(list_filter(events.sites, site -> site <> 'not_stated'), answered.sites)))
    end as sites,
    case when answered.record_id is null then events.unknown_site_words end as unknown_site_words,
    coalesce(answered.asks = 'statement', false) as is_borne_out,
    events.source_system,
    events.system,
    events.record_key,
    events.record_id
from {{ ref('stg_follow_up_events') }} as events
left join answered on events.record_id = answered.record_id
