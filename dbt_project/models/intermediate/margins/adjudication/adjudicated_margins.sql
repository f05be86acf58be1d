-- What the reviewers of an index operation's margin say together: one group if they agree, none if they do not.
with told as (
    select
        study_id,
        count(*) as n_reviewers,
        count(distinct margin_group) as n_groups,
        min(margin_group) as margin_group,
        count(distinct margin_mm) as n_widths,
        min(margin_mm) as margin_mm,
        bool_and(is_coherent) as is_coherent,
        min(record_id) as source_record_id,
        {{ crlm_join_lines('margin_group', "'; '", 'margin_group') }} as answers
    from {{ ref('usable_adjudications') }}
    group by study_id
)

select
    study_id,
    cast(n_reviewers as integer) as n_reviewers,
    case when n_groups = 1 and is_coherent and margin_group <> 'not_assessable' then margin_group end as margin_group,
    case
        when n_groups > 1 or not is_coherent or margin_group = 'not_assessable' then null
        when margin_group = 'positive' then 0.0
        when n_widths = 1 then margin_mm
    end as margin_mm,
    case
        when not is_coherent then 'a reviewer''s width does not lie in the group that was chosen'
        when n_groups > 1 then 'reviewers disagree'
        when margin_group = 'not_assessable' then 'not assessable, as reviewed'
    end as unresolved_reason,
    n_groups = 1 and is_coherent as is_settled,
    answers,
    source_record_id
from told
