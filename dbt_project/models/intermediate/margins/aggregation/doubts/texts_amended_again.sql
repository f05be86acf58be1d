-- Texts in which two amendments give widths that differ: which of them is the last nobody can say for sure.
with amended as (
    select distinct
        text_id,
        record_id,
        section,
        clause_number,
        max(case when list_contains(marks, 'amendment') then clause_number end) over (
            partition by text_id, record_id, section order by clause_number
        ) as amendment_clause
    from {{ ref('placed_margin_statements') }}
    where text_id in (select text_id from {{ ref('placed_margin_statements') }} where list_contains(marks, 'amendment'))
)

select widths.text_id
from {{ ref('margin_widths') }} as widths
inner join amended
    on widths.text_id = amended.text_id
    and widths.record_id is not distinct from amended.record_id
    and widths.section is not distinct from amended.section
    and widths.clause_number = amended.clause_number
where amended.amendment_clause is not null and widths.evidence_kind = 'permanent' and widths.reading in ('distance', 'involved')
group by widths.text_id
having count(distinct amended.amendment_clause) > 1 and max(widths.low_mm) > min(widths.high_mm)
