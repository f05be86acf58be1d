-- The sites of each episode with the record that first showed each.
select
    study_id,
    episode_number,
    site,
    min(evidence_date) as first_evidence_date,
    arg_min(record_id, (evidence_date, record_id)) as source_record_id
from {{ ref('episode_evidence') }}
group by study_id, episode_number, site
