-- What a reviewer of each index operation's margin is asked. The question's id changes with the reports it rests on: an
-- amended report or a new addendum is a new question, and answers to the old one wait for somebody to look again.
select
    operations.study_id,
    operations.study_id || ':' || substr(md5(coalesce(
        {{ crlm_join_lines('reports.record_id', "','", 'reports.record_id') }}, 'no report'
    )), 1, 8) as question_id
from {{ ref('index_operations') }} as operations
left join {{ ref('operation_margin_reports') }} as reports on operations.study_id = reports.study_id
group by operations.study_id
