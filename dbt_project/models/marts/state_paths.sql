-- One row a stay of a patient in a state - resected, liver recurrence, other recurrence, salvaged disease-free - and where it led.
with changes as (
    select
        episodes.study_id,
        episodes.start_date as change_date,
        1 as rank_on_day,
        case when bool_or(names.organ = 'liver') then 'liver recurrence' else 'other recurrence' end as state_to
    from {{ ref('dated_episodes') }} as episodes
    inner join {{ ref('episode_sites') }} as sites
        on episodes.study_id = sites.study_id and episodes.episode_number = sites.episode_number and sites.is_initial_site
    inner join {{ ref('recurrence_site_names') }} as names on sites.site = names.site
    group by episodes.study_id, episodes.start_date
    union all
    select study_id, salvage_date, 2, 'salvaged disease-free' from {{ ref('episode_salvages') }}
    union all
    select study_id, milestone_date, 3, 'dead'
    from {{ ref('milestones') }}
    where milestone = 'death'
    union all
    -- follow-up ends there
    select contacts.study_id, contacts.milestone_date, 4, null
    from {{ ref('milestones') }} as contacts
    left join {{ ref('milestones') }} as deaths on contacts.study_id = deaths.study_id and deaths.milestone = 'death'
    where contacts.milestone = 'last_contact' and deaths.study_id is null
),

timed as (
    select
        changes.study_id,
        changes.state_to,
        changes.rank_on_day,
        {{ crlm_days_between('operations.index_operation_date', 'changes.change_date') }}
        -- two changes on one day follow each other within it
        + 0.001 * (row_number() over (partition by changes.study_id, changes.change_date order by changes.rank_on_day) - 1) as change_day
    from changes
    inner join {{ ref('index_operations') }} as operations on changes.study_id = operations.study_id
),

stays as (
    select
        study_id,
        coalesce(lag(state_to) over (partition by study_id order by change_day), 'resected') as state_from,
        state_to,
        coalesce(lag(change_day) over (partition by study_id order by change_day), 0) as start_day,
        change_day as stop_day
    from timed
    where change_day > 0
)

select
    stays.study_id,
    margins.margin_group,
    stays.state_from,
    stays.state_to,
    cast(stays.start_day as double) as start_day,
    cast(stays.stop_day as double) as stop_day
from stays
inner join {{ ref('operation_margins') }} as margins on stays.study_id = margins.study_id
left join {{ ref('underivable_patient_milestones') }} as underivable
    on stays.study_id = underivable.study_id and underivable.milestone in ('salvage', 'isolated_liver_first_recurrence')
where underivable.study_id is null
