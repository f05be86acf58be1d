-- One row an answer to today's question about looks at a patient. Reviewers are numbered, not named; the day that an answer gives is not
-- published: it is that of a look.
select
    answers.study_id,
    answers.question_id,
    answers.asks,
    cast(row_number() over (partition by answers.question_id order by answers.reviewer) as integer) as reviewer_number,
    answers.answer,
    array_to_string(answers.sites, ';') as sites,
    answers.is_coherent,
    answers.is_blind,
    agreed.question_id is not null as is_settled,
    answers.record_id as source_record_id
from {{ ref('usable_follow_up_answers') }} as answers
inner join {{ ref('index_operations') }} as operations on answers.study_id = operations.study_id
left join {{ ref('agreed_follow_up_answers') }} as agreed on answers.question_id = agreed.question_id
