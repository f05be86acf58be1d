-- What cannot be derived from a hospital's records, for how many patients, and why: they are left out of that endpoint.
select source_system, endpoint, reason, cast(count(*) as bigint) as n_patients
from {{ ref('underivable_patient_endpoints') }}
group by source_system, endpoint, reason
