-- Operations on the study's organ for the study's disease (seeds.studies). A register that names no organ is one of hepatectomies.
select *
from {{ ref('stg_registry_operations') }}
where diagnosis = {{ the_study('diagnosis') }} and coalesce(operated_organ, 'liver') = {{ the_study('operated_organ') }}
