-- What the reviewers of an index operation's margin say together: the group that more than half of them chose. Two who disagree
-- leave it open until a third one has answered.
with counted as (
    select
        *,
        2 * count(*) over (partition by study_id, margin_group) > count(*) over (partition by study_id) as is_of_majority
    from {{ ref('usable_adjudications') }}
),

told as (
    select
        study_id,
        count(*) as n_reviewers,
        max(case when is_of_majority then margin_group end) as decided_group,
        count(distinct case when is_of_majority then margin_mm end) as n_widths,
        min(case when is_of_majority then margin_mm end) as margin_mm,
        bool_and(is_coherent) as is_coherent,
        min(record_id) as source_record_id,
        {{ crlm_join_lines('margin_group', "'; '", 'margin_group') }} as answers
    from counted
    group by study_id
)

select
    study_id,
    cast(n_reviewers as integer) as n_reviewers,
    case when is_coherent and decided_group <> 'not_assessable' then decided_group end as margin_group,
    case
        when decided_group is null or not is_coherent or decided_group = 'not_assessable' then null
        when decided_group = 'positive' then 0.0
        when n_widths = 1 then margin_mm
    end as margin_mm,
    case
        when not is_coherent then 'a reviewer''s width does not lie in the group that was chosen'
        when decided_group is null then 'reviewers disagree'
        when decided_group = 'not_assessable' then 'not assessable, as reviewed'
    end as unresolved_reason,
    decided_group is not null and is_coherent as is_settled,
    answers,
    source_record_id
from told
