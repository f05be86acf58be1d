-- Reviewers' answers to the question as it stands today, and whether each is in agreement with itself: a width must lie in
-- the group that was chosen.
select
    answers.study_id,
    answers.question_id,
    answers.reviewer,
    answers.margin_group,
    answers.margin_mm,
    answers.is_blind,
    answers.record_id,
    answers.margin_mm is null or answers.margin_group = {{ published_group_of('answers.margin_mm') }} as is_coherent
from {{ ref('stg_margin_adjudications') }} as answers
inner join {{ ref('margin_questions') }} as questions
    on answers.study_id = questions.study_id and answers.question_id = questions.question_id
