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
    answers.margin_mm is null or answers.margin_group = case
        when answers.margin_mm = 0 then 'positive'
        when answers.margin_mm < {{ published_upper_mm('<1 mm') }} then '<1 mm'
        when answers.margin_mm < {{ published_upper_mm('1.0-9.9 mm') }} then '1.0-9.9 mm'
        else '>=10 mm'
    end as is_coherent
from {{ ref('stg_margin_adjudications') }} as answers
inner join {{ ref('margin_questions') }} as questions
    on answers.study_id = questions.study_id and answers.question_id = questions.question_id
