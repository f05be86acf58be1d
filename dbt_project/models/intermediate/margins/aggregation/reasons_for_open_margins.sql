-- Why the margin of a text is left open: the first reason that holds, NULL where its group is settled. One row per text.
{% set narrow = published_upper_mm(2) %}
{% set wide = published_upper_mm(3) %}
{% set unbounded = unbounded_mm() %}
with untold as (
    select text_id from {{ ref('metastases_at_a_margin_not_understood') }}
    union
    select text_id from {{ ref('metastases_named_and_left_untold') }}
    union
    select text_id from {{ ref('texts_that_tell_of_some_metastases') }}
    union
    select text_id from {{ ref('largest_metastases_alone') }}
),

joined as (
    select
        doubts.*,
        smallest.low_mm,
        smallest.high_mm,
        smallest.blocking_reason,
        coalesce(smallest.is_without_viable_tumor, false) as is_without_viable_tumor,
        re_resected.text_id is not null as is_re_resected,
        coalesce(re_resected.has_tumor, false) as has_additional_tumor,
        doubts.has_doubtful_words or unknown_words.text_id is not null as has_words_in_doubt,
        amended_again.text_id is not null as is_amended_again,
        untold.text_id is not null as has_untold_metastasis
    from {{ ref('doubts_of_texts') }} as doubts
    left join {{ ref('smallest_specimen_margins') }} as smallest on doubts.text_id = smallest.text_id
    left join {{ ref('re_resected_margins') }} as re_resected on doubts.text_id = re_resected.text_id
    left join {{ ref('unknown_words_that_matter') }} as unknown_words on doubts.text_id = unknown_words.text_id
    left join {{ ref('texts_amended_again') }} as amended_again on doubts.text_id = amended_again.text_id
    left join untold on doubts.text_id = untold.text_id
)

select
    text_id,
    -- a shorter length that was not understood may be the margin's: it leaves the width open, also within its group
    case when high_mm > 0 and unexplained_mm > {{ smallest_step_mm() }} and unexplained_mm < low_mm then unexplained_mm else low_mm end as low_mm,
    high_mm,
    case
        when has_open_question then 'margin not assessable'
        when blocking_reason is not null then blocking_reason
        when is_amended_again then 'statements conflict'
        when {{ margin_setting('ask_about_re_resection') }} = 1 and is_re_resected and high_mm = 0 then 're-resected margin'
        when {{ margin_setting('ask_about_re_resection') }} = 1 and is_re_resected and has_additional_tumor
            and coalesce(high_mm, 1) > 0 then 're-resected margin'
        when is_without_viable_tumor and coalesce(high_mm, 1) > 0 then 'no viable tumour'
        when high_mm = 0 and has_doubtful_status then 'status and distance conflict'
        when high_mm = 0 and not is_surely_involved and has_words_in_doubt then 'words in doubt'
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
        when has_words_in_doubt then 'words in doubt'
        when has_untold_metastasis then 'metastasis without a margin'
    end as unresolved_reason
from joined
