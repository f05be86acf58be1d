-- The study that this cohort was made for.
select *
from {{ ref('studies') }}
where study = '{{ var('study') }}'
