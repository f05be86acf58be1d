-- One row an episode of recurrent disease: from its first evidence until all disease was eradicated, or until news ends.
with sites as (
    select
        sites.study_id,
        sites.episode_number,
        {{ crlm_join_lines('sites.site', "';'", 'sites.site') }} as sites,
        bool_and(names.organ = 'liver') as is_liver_only,
        {{ crlm_join_lines('sites.source_record_id', "';'", 'sites.site') }} as source_record_ids
    from {{ ref('episode_sites') }} as sites
    inner join {{ ref('recurrence_site_names') }} as names on sites.site = names.site
    group by sites.study_id, sites.episode_number
),

kinds as (
    select distinct study_id, episode_number, treatment_type from {{ ref('episode_treatments') }}
),

treatments as (
    select study_id, episode_number, {{ crlm_join_lines('treatment_type', "' + '", 'treatment_type') }} as treatments
    from kinds
    group by study_id, episode_number
)

select
    episodes.study_id,
    episodes.episode_number,
    {{ crlm_days_between('operations.index_operation_date', 'episodes.start_date') }} as start_days,
    sites.sites,
    sites.is_liver_only,
    cast(episodes.n_evidence_records as integer) as n_evidence_records,
    coalesce(treatments.treatments, 'none on record') as treatments,
    case when without_treatments.study_id is null then salvages.study_id is not null end as is_salvaged,
    {{ crlm_days_between('operations.index_operation_date', 'salvages.salvage_date') }} as salvage_days,
    salvages.salvage_number,
    salvages.is_effective as is_effective_salvage,
    case
        when without_treatments.study_id is not null then 'treatments are not told'
        when salvages.study_id is not null then 'salvaged'
        when vital.death_date is not null then 'died with disease'
        else 'alive with disease at last contact'
    end as end_reason,
    'stg_follow_up_events' as source_table,
    sites.source_record_ids
from {{ ref('dated_episodes') }} as episodes
inner join {{ ref('index_operations') }} as operations on episodes.study_id = operations.study_id
inner join sites on episodes.study_id = sites.study_id and episodes.episode_number = sites.episode_number
left join treatments on episodes.study_id = treatments.study_id and episodes.episode_number = treatments.episode_number
left join {{ ref('episode_salvages') }} as salvages
    on episodes.study_id = salvages.study_id and episodes.episode_number = salvages.episode_number
left join {{ ref('underivable_patient_milestones') }} as without_treatments
    on episodes.study_id = without_treatments.study_id and without_treatments.milestone = 'salvage'
left join {{ ref('stg_vital_status') }} as vital on episodes.study_id = vital.study_id
