-- Something is told of some of several metastases ('two of the three'), and nothing of the others.
select text_id
from {{ ref('placed_margin_statements') }}
where evidence_kind = 'permanent' and is_of_liver
group by text_id
having bool_or(list_contains(marks, 'some_of_several')) and not bool_or(list_contains(marks, 'others_told'))
