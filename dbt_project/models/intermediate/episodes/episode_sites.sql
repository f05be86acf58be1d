-- The sites of each episode with the record that first showed each, and whether it was among the first sites of the episode.
with sites as (
    select
        study_id,
        episode_number,
        site,
        min(evidence_date) as first_evidence_date,
        arg_min(record_id, (evidence_date, record_id)) as source_record_id
    from {{ ref('episode_evidence') }}
    group by study_id, episode_number, site
)

select
    sites.study_id,
    sites.episode_number,
    sites.site,
    {{ is_within_synchronous_window('episodes.start_date', 'sites.first_evidence_date') }} as is_initial_site,
    sites.source_record_id
from sites
inner join {{ ref('dated_episodes') }} as episodes
    on sites.study_id = episodes.study_id and sites.episode_number = episodes.episode_number
