-- Restricted, it holds report texts: what reviewers are asked to read - the queue, and a sample of settled margins that is
-- read again blindly, so that the reader's agreement with reviewers can be told.
with sampled as (
    select margins.study_id, questions.question_id
    from {{ ref('read_operation_margins') }} as margins
    inner join {{ ref('margin_questions') }} as questions on margins.study_id = questions.study_id
    -- read as clear where the registry says R1: asked about anyway, and not twice
    left join {{ ref('adjudication_queue') }} as open_margins on margins.study_id = open_margins.study_id
    where
        margins.margin_group <> 'unresolved'
        and open_margins.study_id is null
        -- by the id, so that the same patients are asked about every night
        and cast(('0x' || substr(md5(margins.study_id), 1, 6)) as integer) % 1000
        < 1000 * {{ margin_setting('audited_share') }}
),

asked as (
    select study_id, question_id, false as is_sample, unresolved_reason as why from {{ ref('adjudication_queue') }}
    union all
    select sampled.study_id, sampled.question_id, true, 'read by the rules; asked to check them'
    from sampled
    left join {{ ref('usable_adjudications') }} as answers on sampled.question_id = answers.question_id
    where answers.question_id is null
),

texts as (
    select
        text_id as study_id,
        {{ crlm_join_lines('paragraph', 'chr(10) || chr(10)', 'paragraph') }} as report_text
    from (
        select text_id, accession_number || ', ' || section || coalesce(', specimen ' || specimen, '') || ': ' || text as paragraph
        from {{ ref('margin_texts') }}
        where text_id in (select study_id from asked)
    ) as paragraphs
    group by text_id
),

-- what was weighed, to be shown highlighted in the report
sentences as (
    select
        text_id as study_id,
        list(distinct evidence_text order by evidence_text) as sentences
    from {{ ref('margin_widths') }}
    where reading not in ('tumour', 'no tumour', 'target') and text_id in (select study_id from asked)
    group by text_id
)

select
    asked.study_id,
    asked.question_id,
    read.sentences,
    asked.is_sample,
    asked.why,
    coalesce(texts.report_text, '(no pathology report)') as report_text
from asked
left join texts on asked.study_id = texts.study_id
left join sentences as read on asked.study_id = read.study_id
