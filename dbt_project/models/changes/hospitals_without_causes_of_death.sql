-- Hospitals with too many deaths of a cause not stated. To leave out those who will die without a cause selects on the future;
-- of few it does little harm, of many the hospital cannot tell what patients die of. It concerns all patients of the hospital, so
-- it is counted from raw before it is known who changed.
with latest as (
    {{ latest_of('vital_status', 'coalesce(versions.source_patient, versions.mrn)') }}
),

deaths as (
    select source_system, count(*) as n_deaths, count(case when cause_of_death is null then 1 end) as n_without_cause
    from latest
    where vital_status = 'dead' and coalesce(record_status, 'active') <> 'cancelled' and not coalesce(is_withdrawn, false)
    group by source_system
)

select source_system, n_deaths, n_without_cause
from deaths
where n_without_cause > {{ clinical_setting('most_deaths_without_cause_share') }} * n_deaths
