-- The sites found within the synchronous window of the first recurrence.
select sites.study_id, sites.site, sites.organ
from {{ ref('recurrence_sites') }} as sites
inner join {{ ref('first_recurrence_dates') }} as first_dates on sites.study_id = first_dates.study_id
where {{ is_within_synchronous_window('first_dates.first_recurrence_date', 'sites.recurrence_date') }}
