-- Every dated thing that can start, end or censor a patient's time: one row a patient and milestone.
with patterns as (
    select * from {{ ref('initial_recurrence_patterns') }}
),

liver as (
    select study_id, recurrence_date, source_record_id,
        row_number() over (partition by study_id order by recurrence_date, site) as site_number
    from {{ ref('recurrence_sites') }}
    where organ = 'liver'
),

deaths as (
    select vital.study_id, vital.death_date, vital.cause_of_death, vital.record_id
    from {{ ref('stg_vital_status') }} as vital
    inner join {{ ref('index_operations') }} as operations on vital.study_id = operations.study_id
    where vital.vital_status = 'dead' and vital.death_date > operations.index_operation_date
),

-- who dies long after the last look is not known to have died without recurrence
last_looks as (
    select
        assessments.study_id,
        assessments.last_disease_assessment_date,
        assessments.source_record_id,
        coalesce(
            {{ crlm_days_between('assessments.last_disease_assessment_date', 'deaths.death_date') }}
            > {{ clinical_setting('late_death_after_days') }},
            false
        ) as is_long_before_death
    from {{ ref('last_disease_assessments') }} as assessments
    left join deaths on assessments.study_id = deaths.study_id
)

select study_id, 'index_operation' as milestone, index_operation_date as milestone_date,
    'stg_registry_operations' as source_table, source_record_id
from {{ ref('index_operations') }}
union all
select study_id, 'recurrence', first_recurrence_date, 'stg_follow_up_events', source_record_id
from patterns
{% for truth in first_recurrence_truths() -%}
union all
select study_id, {{ first_recurrence_milestone(truth) }}, first_recurrence_date, 'stg_follow_up_events', source_record_id
from patterns
{% endfor -%}
union all
select study_id, 'liver_recurrence', recurrence_date, 'stg_follow_up_events', source_record_id
from liver
where site_number = 1
union all
select study_id, 'salvage', salvage_date, 'stg_recurrence_treatments', source_record_id
from {{ ref('first_salvages') }}
union all
select study_id, 'death', death_date, 'stg_vital_status', record_id
from deaths
union all
select study_id,
    case cause_of_death
        when 'cancer' then 'death_of_cancer'
        when 'other' then 'death_of_other_cause'
        else 'death_of_unknown_cause'
    end,
    death_date, 'stg_vital_status', record_id
from deaths
union all
select deaths.study_id, 'death_soon_after_last_assessment', deaths.death_date, 'stg_vital_status', deaths.record_id
from deaths
left join last_looks on deaths.study_id = last_looks.study_id
where not coalesce(last_looks.is_long_before_death, false)
union all
select study_id,
    case when is_long_before_death then 'last_disease_assessment_long_before_death' else 'last_disease_assessment' end,
    last_disease_assessment_date, 'stg_follow_up_events', source_record_id
from last_looks
union all
select study_id, 'last_contact', last_contact_date, source_table, source_record_id
from {{ ref('last_contacts') }}
