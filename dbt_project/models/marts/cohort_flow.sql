-- The cohort flow: each registered patient is counted once, at the first criterion not met.
with steps as (
    select * from (
        values
        (1, 'not a colorectal liver metastasis', 'Hepatectomy for colorectal liver metastases'),
        (2, 'no operation with curative intent', 'Curative intent'),
        (3, 'liver resected before', 'First hepatectomy'),
        (4, 'macroscopically incomplete resection (R2)', 'Complete macroscopic resection'),
        (5, 'under 18 years of age', 'Adult'),
        (6, 'no follow-up after the operation', 'Followed up after the operation')
    ) as listed (step_number, exclusion_reason, criterion)
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
    cast(0 as bigint) as n_excluded
from registered
union all
select
    steps.step_number,
    steps.criterion,
    cast(
        registered.n_registered - sum(coalesce(excluded.n_excluded, 0)) over (order by steps.step_number) as bigint
    ) as n_remaining,
    coalesce(excluded.n_excluded, 0) as n_excluded
from steps
cross join registered
left join excluded on steps.exclusion_reason = excluded.exclusion_reason
