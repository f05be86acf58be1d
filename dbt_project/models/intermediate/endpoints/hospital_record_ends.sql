-- The day on which each hospital's records end: the latest news of anybody that enough other patients' news of the year before
-- confirms. One mistyped date, however late, ends no records; a hospital too small for that ends with its last news.
with news as (
    select
        operations.source_system,
        contacts.last_contact_date,
        {{ crlm_days_between("date '1900-01-01'", 'contacts.last_contact_date') }} as contact_day,
        count(*) as n_patients
    from {{ ref('last_contacts') }} as contacts
    inner join {{ ref('index_operations') }} as operations on contacts.study_id = operations.study_id
    where not coalesce(operations.has_nominal_dates, false)
    group by operations.source_system, contacts.last_contact_date
),

confirmed as (
    select
        source_system,
        last_contact_date,
        sum(n_patients) over (
            partition by source_system order by contact_day range between 365 preceding and current row
        ) as n_within_year,
        sum(n_patients) over (partition by source_system) as n_hospital
    from news
)

select
    source_system,
    coalesce(
        max(
            case
                when n_within_year >= 2 and n_within_year >= {{ clinical_setting('record_end_patients_share') }} * n_hospital
                    then last_contact_date
            end
        ),
        max(last_contact_date)
    ) as record_end_date
from confirmed
group by source_system
