-- Reviewers' answers to the questions about looks as they stand today, and whether each is in agreement with itself: a recurrence
-- has a site.
with questions as (
    select distinct study_id, question_id, asks from {{ ref('follow_up_questions') }}
)

select
    answers.study_id,
    answers.question_id,
    questions.asks,
    answers.reviewer,
    answers.answer,
    case when answers.answer = 'recurrence' then answers.sites end as sites,
    case when answers.answer = 'recurrence' and questions.asks = 'statement' then answers.evidence_date end as evidence_date,
    answers.is_blind,
    answers.record_id,
    answers.answer <> 'recurrence'
    or (answers.sites is not null and not list_contains(answers.sites, 'not_stated')) as is_coherent
from {{ ref('stg_follow_up_adjudications') }} as answers
inner join questions on answers.study_id = questions.study_id and answers.question_id = questions.question_id
