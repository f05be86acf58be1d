-- Index operations of which a report, or the registry's own margin column, says anything about a margin, understood or not. That
-- there is a tumour in a specimen, what distances are measured to, and that a margin is not stated says nothing of it.
select distinct text_id as study_id
from {{ ref('margin_widths') }}
where reading not in ('tumour', 'no tumour', 'target', 'not stated')
