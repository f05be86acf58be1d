-- Each patient's first salvage.
with ordered as (
    select
        *,
        row_number() over (partition by study_id order by treatment_date, record_id) as salvage_number
    from {{ ref('salvage_treatments') }}
)

select study_id, treatment_date as salvage_date, record_id as source_record_id
from ordered
where salvage_number = 1
