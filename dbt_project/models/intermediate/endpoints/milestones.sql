-- Every dated thing that can start, end or censor a patient's time: one row a patient and milestone.
with patterns as (
    select * from {{ ref('initial_recurrence_patterns') }}
),

liver as (
    select study_id, recurrence_date, source_record_id,
        row_number() over (partition by study_id order by recurrence_date, site) as site_number
    from {{ ref('recurrence_sites') }}
    where organ = 'liver'
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
from {{ ref('deaths_of_the_cohort') }}
union all
select study_id,
    case cause_of_death
        when 'cancer' then 'death_of_cancer'
        when 'other' then 'death_of_other_cause'
        else 'death_of_unknown_cause'
    end,
    death_date, 'stg_vital_status', record_id
from {{ ref('deaths_of_the_cohort') }}
union all
select deaths.study_id, 'death_soon_after_last_assessment', deaths.death_date, 'stg_vital_status', deaths.record_id
from {{ ref('deaths_of_the_cohort') }} as deaths
left join {{ ref('deaths_long_after_the_last_look') }} as late on deaths.study_id = late.study_id
where late.study_id is null
union all
select assessments.study_id,
    case when late.study_id is not null then 'last_disease_assessment_long_before_death' else 'last_disease_assessment' end,
    assessments.last_disease_assessment_date, 'stg_follow_up_events', assessments.source_record_id
from {{ ref('last_disease_assessments') }} as assessments
left join {{ ref('deaths_long_after_the_last_look') }} as late on assessments.study_id = late.study_id
union all
select study_id, 'last_contact', last_contact_date, source_table, source_record_id
from {{ ref('last_contacts') }}
