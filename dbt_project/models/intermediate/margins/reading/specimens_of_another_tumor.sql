-- Specimens that hold another tumour and no metastasis: another cancer ('hepatocellular carcinoma'), or a benign lesion alone. Their
-- margins never count.
select
    text_id,
    accession_number,
    specimen_key,
    part_site
from {{ ref('statements_by_kind_of_evidence') }}
group by text_id, accession_number, specimen_key, part_site
having
    bool_or(list_contains(marks, 'other_tumor'))
    and not bool_or(list_contains(marks, 'metastasis') and evidence_kind not in ('history', 'block key'))
    and (bool_or(list_contains(marks, 'other_malignancy')) or not bool_or(list_contains(marks, 'tumor')))
