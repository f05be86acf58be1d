-- Margins that neither the rules nor the reviewers have settled: one question a patient, without the report's words.
with earlier as (
    select study_id, count(*) as n_answers
    from {{ ref('stg_margin_adjudications') }}
    where not coalesce(is_about_another_patient, false)
    group by study_id
)

select
    margins.study_id,
    questions.question_id,
    margins.source_record_id,
    margins.unresolved_reason,
    coalesce(adjudicated.n_reviewers, 0) as n_reviewers,
    adjudicated.answers,
    coalesce(earlier.n_answers, 0) > 0 and adjudicated.study_id is null as is_asked_again,
    'What is the hepatic parenchymal margin of the index operation: positive, or how many mm?' as question
from {{ ref('operation_margins') }} as margins
inner join {{ ref('margin_questions') }} as questions on margins.study_id = questions.study_id
left join {{ ref('adjudicated_margins') }} as adjudicated on margins.study_id = adjudicated.study_id
left join earlier on margins.study_id = earlier.study_id
left join {{ ref('underivable_patient_endpoints') }} as without_margins
    on margins.study_id = without_margins.study_id and without_margins.endpoint = 'margin_group'
where
    margins.margin_group = 'unresolved'
    and without_margins.study_id is null
    and not coalesce(adjudicated.is_settled, false)
