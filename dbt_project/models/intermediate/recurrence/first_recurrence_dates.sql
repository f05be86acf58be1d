-- The date of first recurrence and the record that shows it.
with ordered as (
    select
        study_id,
        recurrence_date,
        source_record_id,
        row_number() over (partition by study_id order by recurrence_date, source_record_id) as site_number
    from {{ ref('recurrence_sites') }}
)

select study_id, recurrence_date as first_recurrence_date, source_record_id
from ordered
where site_number = 1
