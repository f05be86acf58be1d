-- One row per text that says anything about a margin: the smallest over the liver specimens, its group, and why it is open.
{% set narrow = published_upper_mm('<1 mm') %}
{% set wide = published_upper_mm('1.0-9.9 mm') %}
{% set unbounded = unbounded_mm() %}
with specimens as (
    select * from {{ ref('specimen_margins') }}
    where not is_without_tumor
),

parts as (
    select
        text_id,
        min(low_mm) filter (where not is_without_viable_tumor) as low_mm,
        min(high_mm) filter (where not is_without_viable_tumor) as high_mm,
        case
            when bool_or(high_mm = 0 and blocking_reason is null)
                then max(blocking_reason) filter (where blocking_reason <> 'margin not assessable')
            else max(blocking_reason)
        end as blocking_reason,
        bool_or(is_without_viable_tumor) as has_nonviable,
        bool_and(is_without_viable_tumor) as are_without_viable_tumor
    from specimens
    where part is not null
    group by text_id
),

whole as (
    select * from specimens
    where part is null
),

-- a metastasis that is named, but of whose margin nothing was understood
silent_lesions as (
    select distinct placed.text_id
    from {{ ref('placed_margin_statements') }} as placed
    left join {{ ref('margin_widths') }} as widths
        on placed.text_id = widths.text_id and placed.lesion_named = widths.lesion_label
    where list_contains(placed.marks, 'names_counted_lesion')
        and list_contains(placed.marks, 'names_hepatic_margin')
        and placed.evidence_kind = 'permanent'
        and placed.is_of_liver and not placed.is_other_tumor and not placed.is_additional_margin
        and widths.text_id is null
),

-- texts in which every distance is that of a metastasis with a name
named_distances as (
    select text_id
    from {{ ref('margin_widths') }}
    where reading in ('distance', 'involved') and evidence_kind = 'permanent' and not is_additional_margin
    group by text_id
    having bool_and(lesion_label is not null and regexp_extract(lesion_label, '{{ the_others_pattern() }}', 0) = '')
),

-- metastases of which something is told: a distance, that it reaches a margin, or that no tumour lives there
told_lesions as (
    select text_id, lesion_named
    from {{ ref('placed_margin_statements') }}
    where lesion_named is not null and (
        reading in ('no viable tumour', 'no tumour', 'involved', 'target', 'not assessable') or is_other_tumor
        or (reading in ('distance', 'damaged') and margin_type <> 'none')
    )
    union
    select text_id, lesion_label as lesion_named from {{ ref('margin_widths') }}
    where lesion_label is not null
),

numbered_lesions as (
    select text_id, count(distinct lesion_named) as lesions
    from told_lesions
    where regexp_extract(lesion_named, '{{ numbered_lesion_pattern() }}', 0) <> ''
    group by text_id
),

-- '3 deposits, the largest 4 cm across', where something is told of metastases 1, 2 and 3: the largest is one of them
largest_of_numbered as (
    select distinct placed.text_id, placed.lesion_named
    from {{ ref('placed_margin_statements') }} as placed
    inner join numbered_lesions on placed.text_id = numbered_lesions.text_id
    where regexp_extract(placed.lesion_named, '{{ by_size_pattern() }}', 0) <> ''
        and not list_contains(placed.marks, 'names_hepatic_margin')
        and {{ lesions_counted('placed.clause_text') }} <= numbered_lesions.lesions
),

-- of a metastasis that is named beside them nothing is told, or something is told of some of several only
untold_lesions as (
    select placed.text_id
    from {{ ref('placed_margin_statements') }} as placed
    inner join named_distances on placed.text_id = named_distances.text_id
    left join told_lesions on placed.text_id = told_lesions.text_id and placed.lesion_named = told_lesions.lesion_named
    left join largest_of_numbered as largest on placed.text_id = largest.text_id and placed.lesion_named = largest.lesion_named
    where list_contains(placed.marks, 'names_counted_lesion')
        and largest.text_id is null
        and placed.evidence_kind = 'permanent'
        and placed.is_of_liver and not placed.is_other_tumor and not placed.is_additional_margin
        and told_lesions.text_id is null
    union
    select text_id
    from {{ ref('placed_margin_statements') }}
    where evidence_kind = 'permanent' and is_of_liver
    group by text_id
    having bool_or(list_contains(marks, 'some_of_several')) and not bool_or(list_contains(marks, 'others_told'))
),

clauses as (
    select
        text_id,
        record_id,
        section,
        clause_number,
        bool_or(reading = 'involved') as is_involved,
        bool_or(reading in ('doubtful', 'word not known')) as is_doubtful,
        bool_or(reading = 'word not known') as has_word_not_known,
        min(low_mm) filter (where reading in ('distance', 'involved', 'negative')) as low_mm,
        min(high_mm) filter (where reading in ('distance', 'involved', 'negative')) as high_mm
    from {{ ref('margin_widths') }}
    where evidence_kind = 'permanent' and not is_additional_margin
    group by text_id, record_id, section, clause_number
),

-- tumour at the margin in a clause of which every word is understood
sure_involvement as (
    select distinct text_id
    from clauses
    where is_involved and not is_doubtful
),

-- a clause that says involved and holds a distance that was not understood
doubtful_statuses as (
    select distinct text_id
    from (
        select text_id
        from {{ ref('margin_widths') }}
        where evidence_kind = 'permanent' and not is_additional_margin
        group by text_id, record_id, section, clause_number
        having bool_or(reading = 'involved') and bool_or(reading = 'unexplained' and low_mm > 0)
    ) as clauses
),

others as (
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
),

joined as (
    select
        others.*,
        {{ combined_low('whole.low_mm', 'whole.high_mm', 'parts.low_mm', 'parts.high_mm') }} as low_mm,
        {{ combined_high('whole.high_mm', 'parts.high_mm') }} as high_mm,
        case
            when {{ is_contradiction('whole.low_mm', 'whole.high_mm', 'parts.low_mm', 'parts.high_mm') }} then 'status and distance conflict'
            else coalesce(whole.blocking_reason, parts.blocking_reason)
        end as blocking_reason,
        coalesce(whole.is_without_viable_tumor, false) or coalesce(parts.are_without_viable_tumor, false) as is_without_viable_tumor,
        re_resected.text_id is not null as is_re_resected,
        doubtful_statuses.text_id is not null as has_doubtful_status,
        silent_lesions.text_id is not null or untold_lesions.text_id is not null as has_silent_lesion,
        coalesce(re_resected.has_tumor, false) as has_additional_tumor,
        sure_involvement.text_id is not null as is_surely_involved
    from others
    left join whole on others.text_id = whole.text_id
    left join sure_involvement on others.text_id = sure_involvement.text_id
    left join doubtful_statuses on others.text_id = doubtful_statuses.text_id
    left join silent_lesions on others.text_id = silent_lesions.text_id
    left join untold_lesions on others.text_id = untold_lesions.text_id
    left join parts on others.text_id = parts.text_id
    left join {{ ref('re_resected_margins') }} as re_resected on others.text_id = re_resected.text_id
),

-- a word that is not known matters where the clause it stands in decides
unknown_words as (
    select distinct joined.text_id
    from joined
    inner join clauses on joined.text_id = clauses.text_id
    where clauses.has_word_not_known
        and (clauses.low_mm is null or clauses.low_mm <= joined.low_mm or clauses.high_mm <= joined.high_mm)
),

reasoned as (
    select
        joined.*,
        case
            when has_open_question then 'margin not assessable'
            when blocking_reason is not null then blocking_reason
            when {{ margin_setting('ask_about_re_resection') }} = 1 and is_re_resected and high_mm = 0 then 're-resected margin'
            when {{ margin_setting('ask_about_re_resection') }} = 1 and is_re_resected and has_additional_tumor
                and coalesce(high_mm, 1) > 0 then 're-resected margin'
            when is_without_viable_tumor and coalesce(high_mm, 1) > 0 then 'no viable tumour'
            when high_mm = 0 and has_doubtful_status then 'status and distance conflict'
            when high_mm = 0 and not is_surely_involved and (has_doubtful_words or unknown_words.text_id is not null) then 'words in doubt'
            when high_mm = 0 then null
            when low_mm is null or (low_mm < {{ narrow }} and high_mm >= {{ unbounded }}) then
                case
                    when has_gross_distance then 'gross distance only'
                    when low_mm is null and has_intraoperative_statement then 'intraoperative statement only'
                    when low_mm is null then 'no margin statement'
                    when low_mm = 0 then 'margin not stated'
                    else 'distance not given'
                end
            when low_mm < {{ narrow }} and high_mm >= {{ narrow }} then 'distance only bounded'
            -- R1 by the definition of less than 1 mm: at ink or not?
            when low_mm = 0 then 'distance only bounded'
            when low_mm < {{ wide }} and high_mm >= {{ wide }} then 'distance only bounded'
            when (unexplained_mm = 0 and low_mm > 0) or (unexplained_mm < {{ narrow }} and low_mm >= {{ narrow }})
                or (unexplained_mm < {{ wide }} and low_mm >= {{ wide }})
                then 'shorter distance not understood'
            when has_statement_not_understood then 'statement not understood'
            when has_doubtful_words or unknown_words.text_id is not null then 'words in doubt'
            when has_silent_lesion then 'metastasis without a margin'
        end as unresolved_reason
    from joined
    left join unknown_words on joined.text_id = unknown_words.text_id
),

grouped as (
    select
        text_id,
        low_mm,
        high_mm,
        unresolved_reason,
        case
            when unresolved_reason is not null then 'unresolved'
            when high_mm = 0 then 'positive'
            when high_mm < {{ narrow }} then '<1 mm'
            when high_mm < {{ wide }} then '1.0-9.9 mm'
            else '>=10 mm'
        end as margin_group
    from reasoned
),

ranked_readings as (
    select
        readings.*,
        row_number() over (
            partition by readings.text_id
            order by
                cast(readings.high_mm <> grouped.high_mm as integer), cast(readings.low_mm <> grouped.low_mm as integer),
                readings.high_mm, readings.record_id, readings.section, readings.clause_number,
                readings.rule, readings.margin_type, readings.comparator, readings.evidence_text, readings.words_start
        ) as closeness
    from {{ ref('margin_widths') }} as readings
    inner join grouped on readings.text_id = grouped.text_id
    where grouped.margin_group <> 'unresolved'
        and readings.evidence_kind = 'permanent' and not readings.is_additional_margin
        and readings.reading not in ('tumour', 'no tumour', 'unexplained', 'damaged', 'not understood', 'question', 'doubtful', 'word not known', 'target')
),

all_evidence as (
    select
        text_id,
        {{ crlm_join_lines('evidence_text', "' | '", 'first_clause, evidence_text') }} as evidence_text,
        min(record_id) as record_id,
        min(accession_number) as accession_number
    from (
        select text_id, evidence_text, min(record_id) as record_id, min(accession_number) as accession_number,
            min(coalesce(record_id, '') || lpad(cast(clause_number as varchar), 6, '0')) as first_clause
        from {{ ref('margin_widths') }}
        where reading not in ('tumour', 'no tumour', 'target')
        group by text_id, evidence_text
    ) as distinct_evidence
    group by text_id
)

select
    grouped.text_id,
    coalesce(deciding.accession_number, all_evidence.accession_number) as accession_number,
    coalesce(deciding.record_id, all_evidence.record_id) as record_id,
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
    coalesce(deciding.evidence_text, all_evidence.evidence_text) as evidence_text,
    deciding.language,
    deciding.clause_start,
    deciding.clause_end,
    grouped.low_mm,
    grouped.high_mm
from grouped
left join all_evidence on grouped.text_id = all_evidence.text_id
left join ranked_readings as deciding on grouped.text_id = deciding.text_id and deciding.closeness = 1
