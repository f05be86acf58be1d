-- Of a text whose margin group is settled the statement that settles it: the one whose interval of widths is the text's, or is nearest to it.
with ranked as (
    select
        readings.*,
        row_number() over (
            partition by readings.text_id
            order by
                cast(readings.high_mm <> margins.high_mm as integer), cast(readings.low_mm <> margins.low_mm as integer),
                readings.high_mm, readings.record_id, readings.section, readings.clause_number,
                readings.rule, readings.margin_type, readings.comparator, readings.evidence_text, readings.words_start
        ) as closeness
    from {{ ref('margin_widths') }} as readings
    inner join {{ ref('reasons_for_open_margins') }} as margins on readings.text_id = margins.text_id
    where margins.unresolved_reason is null
        and readings.evidence_kind = 'permanent' and not readings.is_additional_margin
        and readings.reading not in ('tumour', 'no tumour', 'unexplained', 'damaged', 'not understood', 'question', 'doubtful', 'word not known', 'target')
)

select
    text_id,
    accession_number,
    record_id,
    margin_type,
    comparator,
    low_mm,
    high_mm,
    rule,
    evidence_text,
    language,
    clause_start,
    clause_end
from ranked
where closeness = 1
