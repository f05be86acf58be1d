-- Statements below a letter that another organ's specimen has too, by another kind of heading ('A. Liver: ... Specimen B: 0.8 mm.
-- B. Gallbladder'): nobody can say whose they are.
select distinct
    statements.text_id,
    statements.accession_number,
    statements.record_id,
    statements.section,
    statements.specimen,
    statements.clause_number,
    statements.words_start,
    statements.rule
from {{ ref('statements_by_kind_of_evidence') }} as statements
inner join {{ ref('lettered_specimens') }} as specimens
    on statements.text_id = specimens.text_id
    and statements.accession_number is not distinct from specimens.accession_number
    and statements.specimen_key = specimens.specimen_key
where statements.margin_type in ('margin', 'parenchymal')
    and statements.part_organ is null and specimens.specimen_organ = 'other'
    and statements.specimen_word <> specimens.specimen_word
    and (
        statements.reading in ('distance', 'damaged', 'involved', 'within 1 mm')
        or (statements.reading = 'negative' and specimens.specimen_clause > statements.clause_number)
    )
