-- A word that is not known matters where the clause it stands in decides the margin, or says nothing that could be read.
select distinct clauses.text_id
from {{ ref('margin_clauses') }} as clauses
left join {{ ref('smallest_specimen_margins') }} as smallest on clauses.text_id = smallest.text_id
where clauses.has_word_not_known
    and (clauses.low_mm is null or clauses.low_mm <= smallest.low_mm or clauses.high_mm <= smallest.high_mm)
