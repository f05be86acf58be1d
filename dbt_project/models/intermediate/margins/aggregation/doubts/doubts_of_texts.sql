-- What the statements of a text leave in doubt. One row per text that says anything about a margin.
with of_clauses as (
    select
        text_id,
        -- tumour at the margin in a clause of which every word is understood
        bool_or(is_involved and not is_doubtful) as is_surely_involved,
        -- a clause that says involved and holds a distance that was not understood
        bool_or(is_involved and has_unexplained_distance) as has_doubtful_status
    from {{ ref('margin_clauses') }}
    group by text_id
),

of_statements as (
    select
        text_id,
        min(low_mm) filter (where evidence_kind = 'permanent' and reading in ('unexplained', 'damaged') and not is_additional_margin) as unexplained_mm,
        bool_or(evidence_kind = 'permanent' and reading = 'not understood' and not is_additional_margin) as has_statement_not_understood,
        bool_or(evidence_kind = 'permanent' and reading = 'question') as has_open_question,
        bool_or(evidence_kind = 'permanent' and reading = 'doubtful' and not is_additional_margin) as has_doubtful_words,
        bool_or(evidence_kind = 'gross' and reading in ('distance', 'involved')) as has_gross_distance,
        bool_or(evidence_kind = 'intraoperative' and reading in ('distance', 'involved', 'negative')) as has_intraoperative_statement
    from {{ ref('margin_widths') }}
    group by text_id
)

select
    of_statements.*,
    coalesce(of_clauses.is_surely_involved, false) as is_surely_involved,
    coalesce(of_clauses.has_doubtful_status, false) as has_doubtful_status
from of_statements
left join of_clauses on of_statements.text_id = of_clauses.text_id
