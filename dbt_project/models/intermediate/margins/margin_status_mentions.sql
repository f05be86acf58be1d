{{ config(materialized='view') }}
-- What the clauses of a report say about a hepatic margin in words, each where it stands.
select
    contexts.text_id, contexts.accession_number, contexts.record_id, contexts.section, contexts.specimen, contexts.part, contexts.organ,
    contexts.is_additional_margin, contexts.has_bowel_specimen, contexts.is_other_tumor, contexts.evidence_kind,
    contexts.clause_number, contexts.clause_text, contexts.previous_margin_type,
    meanings.lesion_label,
    meanings.margin_status,
    meanings.margin_type,
    meanings.rule
from {{ ref('margin_clause_contexts') }} as contexts
inner join {{ ref('margin_status_meanings') }} as meanings on contexts.clause_text = meanings.clause_text
where contexts.is_of_liver and meanings.rule is not null
