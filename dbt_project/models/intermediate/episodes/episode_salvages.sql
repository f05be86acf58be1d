-- The salvage of each episode that was salvaged, and whether it lasted: free of disease for the months that make a salvage
-- effective. NULL = not followed for long enough to tell; death within them is no effective salvage.
with salvages as (
    select
        study_id,
        episode_number,
        min(treatment_date) as salvage_date,
        arg_min(record_id, (treatment_date, record_id)) as source_record_id
    from {{ ref('episode_treatments') }}
    where is_salvage
    group by study_id, episode_number
),

followed as (
    select
        salvages.*,
        episodes.next_start_date,
        vital.death_date,
        max(assessments.event_date) filter (where assessments.finding = 'no_evidence_of_disease') as last_disease_free_date
    from salvages
    inner join {{ ref('dated_episodes') }} as episodes
        on salvages.study_id = episodes.study_id and salvages.episode_number = episodes.episode_number
    left join {{ ref('stg_vital_status') }} as vital on salvages.study_id = vital.study_id
    left join {{ ref('disease_assessments') }} as assessments
        on salvages.study_id = assessments.study_id
        and assessments.event_date > salvages.salvage_date
        -- one comparison: with an 'or', every look is compared with every salvage
        and assessments.event_date < coalesce(episodes.next_start_date, date '9999-12-31')
    group by all
)

select
    study_id,
    episode_number,
    salvage_date,
    source_record_id,
    cast(row_number() over (partition by study_id order by episode_number) as integer) as salvage_number,
    case
        when {{ crlm_days_between('salvage_date', 'last_disease_free_date') }} >= {{ clinical_setting('effective_salvage_days') }} then true
        when {{ crlm_days_between('salvage_date', 'next_start_date') }} < {{ clinical_setting('effective_salvage_days') }} then false
        when {{ crlm_days_between('salvage_date', 'death_date') }} < {{ clinical_setting('effective_salvage_days') }} then false
    end as is_effective
from followed
