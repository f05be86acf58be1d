-- Treatments by the episode they were given in: after its first evidence, before that of the next one.
select
    treatments.study_id,
    episodes.episode_number,
    treatments.record_id,
    treatments.treatment_date,
    treatments.treatment_type,
    salvages.record_id is not null as is_salvage
from {{ ref('treatments_after_recurrence') }} as treatments
inner join {{ ref('dated_episodes') }} as episodes
    on treatments.study_id = episodes.study_id
    and treatments.treatment_date >= episodes.start_date
    and (treatments.treatment_date < episodes.next_start_date or episodes.next_start_date is null)
left join {{ ref('salvage_treatments') }} as salvages on treatments.record_id = salvages.record_id
where treatments.problem is null
