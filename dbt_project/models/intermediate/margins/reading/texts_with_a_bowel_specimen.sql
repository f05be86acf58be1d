-- Reports in which bowel was sent beside the liver: a margin that is not named otherwise may be the bowel's.
select distinct
    text_id,
    accession_number
from {{ ref('statements_by_kind_of_evidence') }}
where part_organ = 'other' and starts_part and list_contains(marks, 'bowel')
