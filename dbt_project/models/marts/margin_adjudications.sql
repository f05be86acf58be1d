-- One row an answer to today's question about a margin: what the reviewer said and what the rules had read. Reviewers are
-- numbered, not named.
select
    answers.study_id,
    answers.question_id,
    cast(row_number() over (partition by answers.study_id order by answers.reviewer) as integer) as reviewer_number,
    answers.margin_group,
    answers.margin_mm,
    answers.is_coherent,
    answers.is_blind,
    margins.margin_group as read_margin_group,
    answers.record_id as source_record_id
from {{ ref('usable_adjudications') }} as answers
inner join {{ ref('stated_operation_margins') }} as margins on answers.study_id = margins.study_id
