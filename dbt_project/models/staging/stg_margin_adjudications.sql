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
    {{ is_about_another_patient() }} as is_about_another_patient,
    source_system,
    record_id
from versions
{{ only_the_latest_answer() }}
