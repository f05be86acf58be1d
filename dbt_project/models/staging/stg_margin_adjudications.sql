-- The latest version of each reviewer's answer to each question about a margin, typed.
with versions as (
    {{ latest_version_in_force('margin_adjudications') }}
)

select
    study_id,
    question_id,
    reviewer,
    cast(decided_at as timestamp) as decided_at,
    margin_group,
    cast(margin_mm as double) as margin_mm,
    coalesce(blinding = 'blind', false) as is_blind,
    source_system,
    record_id
from versions
-- who answers on the page and in a sheet gives one answer: the later one
qualify row_number() over (
    partition by question_id, reviewer order by cast(decided_at as timestamp) desc, record_id desc
) = 1
