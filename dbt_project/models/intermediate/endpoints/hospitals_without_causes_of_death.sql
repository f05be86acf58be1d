-- Hospitals with too many deaths of a cause not stated. To leave out those who will die without a cause selects on the future;
-- of few it does little harm, of many the hospital cannot tell what patients die of.
with deaths as (
    select
        operations.source_system,
        count(case when milestones.milestone = 'death' then 1 end) as n_deaths,
        count(case when milestones.milestone = 'death_of_unknown_cause' then 1 end) as n_without_cause
    from {{ ref('milestones') }} as milestones
    inner join {{ ref('index_operations') }} as operations on milestones.study_id = operations.study_id
    where milestones.milestone in ('death', 'death_of_unknown_cause')
    group by operations.source_system
)

select source_system, n_deaths, n_without_cause
from deaths
where n_without_cause > {{ clinical_setting('most_deaths_without_cause_share') }} * n_deaths
