-- The latest version of each reviewer's answer to each question about looks at a patient, typed.
with versions as (
    {{ latest_version_in_force('follow_up_adjudications') }}
)

select
    study_id,
    question_id,
    reviewer,
    cast(decided_at as timestamp) as decided_at,
    answer,
    list_sort(list_distinct(string_split(sites, ';'))) as sites,
    cast(evidence_date as date) as evidence_date,
    coalesce(blinding = 'blind', false) as is_blind,
    {{ is_about_another_patient() }} as is_about_another_patient,
    source_system,
    record_id
from versions
{{ only_the_latest_answer() }}
