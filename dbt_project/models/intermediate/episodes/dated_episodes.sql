-- One row an episode of recurrent disease: from its first evidence to the first evidence of the next one.
with episodes as (
    select
        study_id,
        episode_number,
        min(evidence_date) as start_date,
        count(distinct record_id) as n_evidence_records
    from {{ ref('episode_evidence') }}
    group by study_id, episode_number
)

select
    *,
    lead(start_date) over (partition by study_id order by episode_number) as next_start_date
from episodes
