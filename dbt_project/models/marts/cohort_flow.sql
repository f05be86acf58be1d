-- The cohort flow: each registered patient is counted once, at the first criterion not met.
with steps as (
    select step_number, exclusion_reason, label as criterion from {{ ref('cohort_criteria') }}
    where study = '{{ var('study') }}'
),

excluded as (
    select exclusion_reason, count(*) as n_excluded
    from {{ ref('cohort_decisions') }}
    where exclusion_reason is not null
    group by exclusion_reason
),

registered as (
    select count(*) as n_registered from {{ ref('cohort_decisions') }}
)

select 0 as step_number, 'Patients in the operations registry' as criterion, n_registered as n_remaining,
    cast(0 as bigint) as n_excluded, cast(null as varchar) as exclusion_reason
from registered
union all
select
    steps.step_number,
    steps.criterion,
    cast(
        registered.n_registered - sum(coalesce(excluded.n_excluded, 0)) over (order by steps.step_number) as bigint
    ) as n_remaining,
    coalesce(excluded.n_excluded, 0) as n_excluded,
    steps.exclusion_reason
from steps
cross join registered
left join excluded on steps.exclusion_reason = excluded.exclusion_reason
