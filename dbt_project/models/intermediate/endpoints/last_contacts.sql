-- The last day each patient of the cohort is known to have been alive or, if it is known, the day of death.
with contacts as (
    select
        study_id,
        last_contact_date as contact_date,
        'stg_vital_status' as source_table,
        record_id as source_record_id,
        death_date
    from {{ ref('stg_vital_status') }}
    union all
    select study_id, last_disease_assessment_date, 'stg_follow_up_events', source_record_id, null
    from {{ ref('last_disease_assessments') }}
),

ordered as (
    select
        *,
        min(death_date) over (partition by study_id) as patient_death_date,
        row_number() over (partition by study_id order by contact_date desc, source_table asc) as contact_number
    from contacts
)

select
    ordered.study_id,
    case when ordered.patient_death_date < ordered.contact_date then ordered.patient_death_date else ordered.contact_date end
        as last_contact_date,
    ordered.source_table,
    ordered.source_record_id
from ordered
inner join {{ ref('index_operations') }} as operations on ordered.study_id = operations.study_id
where ordered.contact_number = 1 and ordered.contact_date is not null
