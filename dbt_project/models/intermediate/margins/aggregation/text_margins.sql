-- One row per text that says anything about a margin: the smallest over the liver specimens, its group, or why it is open, with the
-- words it comes from.
with grouped as (
    select
        *,
        case
            when unresolved_reason is not null then 'unresolved'
            else {{ published_group_of('high_mm') }}
        end as margin_group
    from {{ ref('reasons_for_open_margins') }}
)

select
    grouped.text_id,
    coalesce(deciding.accession_number, words.accession_number) as accession_number,
    coalesce(deciding.record_id, words.record_id) as record_id,
    case margin_group when 'unresolved' then 'unresolved' when 'positive' then 'positive' else 'negative' end as margin_status,
    case
        when margin_group = 'unresolved' then null
        when grouped.low_mm = grouped.high_mm then round(grouped.low_mm, 4)
        when deciding.comparator in ('>=', '-') and deciding.low_mm = grouped.low_mm then round(grouped.low_mm, 4)
    end as margin_mm,
    case
        when margin_group = 'unresolved' then null
        when grouped.low_mm = grouped.high_mm then '='
        when deciding.comparator = '-' then '='
        when deciding.low_mm = grouped.low_mm and deciding.high_mm = grouped.high_mm then deciding.comparator
        else '<='
    end as margin_comparator,
    deciding.margin_type,
    grouped.margin_group,
    coalesce(deciding.rule, grouped.unresolved_reason) as rule,
    grouped.unresolved_reason,
    coalesce(deciding.evidence_text, words.evidence_text) as evidence_text,
    deciding.language,
    deciding.clause_start,
    deciding.clause_end,
    grouped.low_mm,
    grouped.high_mm
from grouped
left join {{ ref('words_about_margins') }} as words on grouped.text_id = words.text_id
left join {{ ref('deciding_margin_statements') }} as deciding on grouped.text_id = deciding.text_id
