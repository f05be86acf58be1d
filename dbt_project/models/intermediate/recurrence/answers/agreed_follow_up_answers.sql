-- What the reviewers of a question about looks say together: the answer - with its sites and day - that more than half of them gave. Two
-- who disagree leave it open until a third one has answered.
with told as (
    select
        *,
        concat_ws('|', answer, array_to_string(sites, ';'), cast(evidence_date as varchar)) as whole_answer
    from {{ ref('usable_follow_up_answers') }}
    where is_coherent
),

counted as (
    select
        *,
        count(*) over (partition by question_id) as n_reviewers,
        2 * count(*) over (partition by question_id, whole_answer) > count(*) over (partition by question_id) as is_of_majority,
        row_number() over (partition by question_id, whole_answer order by record_id) as place
    from told
)

select
    study_id,
    question_id,
    asks,
    answer,
    sites,
    evidence_date,
    cast(n_reviewers as integer) as n_reviewers,
    record_id as source_record_id
from counted
where is_of_majority and place = 1
