-- Records that contradict others or belong to nobody: not used, each with its reason, none vanished.
with registered as (
    select distinct study_id from {{ ref('stg_registry_operations') }}
),

follow_up_of_strangers as (
    select 'stg_follow_up_events' as source_table, record_id, source_system, study_id from {{ ref('stg_follow_up_events') }}
    union all
    select 'stg_recurrence_treatments', record_id, source_system, study_id from {{ ref('stg_recurrence_treatments') }}
    union all
    select 'stg_vital_status', record_id, source_system, study_id from {{ ref('stg_vital_status') }}
    union all
    select 'stg_pathology_reports', record_id, source_system, study_id from {{ ref('stg_pathology_reports') }}
)

select records.source_table, records.record_id as source_record_id, records.source_system, records.study_id,
    'patient not in the operations registry' as reason
from follow_up_of_strangers as records
left join registered on records.study_id = registered.study_id
where registered.study_id is null
union all
select 'stg_pathology_reports', record_id, source_system, study_id, reason
from {{ ref('reports_with_lines_that_do_not_count') }}
union all
select 'stg_follow_up_events', record_id, source_system, study_id, problem
from {{ ref('dated_follow_up_events') }}
where problem is not null
union all
-- the look counts as one; what was said at it does not
select 'stg_follow_up_events', record_id, source_system, study_id, 'a clinic visit alone is no evidence of recurrence'
from {{ ref('dated_follow_up_events') }}
where problem is null and not is_evidence and finding in ('suspicious', 'definite')
union all
select 'stg_follow_up_events', record_id, source_system, study_id, 'site of disease in words that are not understood'
from {{ ref('dated_follow_up_events') }}
where problem is null and finding in ('suspicious', 'definite') and unknown_site_words is not null
union all
select 'stg_follow_up_events', record_id, source_system, study_id, 'disease without a site'
from {{ ref('dated_follow_up_events') }}
where problem is null and finding in ('suspicious', 'definite') and is_without_site
union all
select 'stg_recurrence_treatments', record_id, source_system, study_id, problem
from {{ ref('treatments_after_recurrence') }}
where problem is not null
union all
select 'stg_vital_status', vital.record_id, vital.source_system, vital.study_id,
    case
        when vital.death_date is null then 'dead without a date of death'
        else 'death not after the index operation'
    end
from {{ ref('stg_vital_status') }} as vital
inner join {{ ref('index_operations') }} as operations on vital.study_id = operations.study_id
where vital.vital_status = 'dead' and (vital.death_date is null or vital.death_date <= operations.index_operation_date)
union all
select 'stg_vital_status', vital.record_id, vital.source_system, vital.study_id, 'alive with a date of death'
from {{ ref('stg_vital_status') }} as vital
inner join {{ ref('index_operations') }} as operations on vital.study_id = operations.study_id
where vital.is_alive_with_death_date
union all
select 'stg_vital_status', vital.record_id, vital.source_system, vital.study_id, 'last contact after the date of death'
from {{ ref('stg_vital_status') }} as vital
inner join {{ ref('index_operations') }} as operations on vital.study_id = operations.study_id
where vital.last_contact_date > vital.death_date
union all
-- to have been looked at is a contact: the look counts, the date of last contact does not
select 'stg_vital_status', vital.record_id, vital.source_system, vital.study_id, 'last contact before a disease assessment'
from {{ ref('stg_vital_status') }} as vital
inner join {{ ref('last_disease_assessments') }} as assessments on vital.study_id = assessments.study_id
where vital.vital_status <> 'dead' and vital.last_contact_date < assessments.last_disease_assessment_date
union all
select 'stg_registry_operations', operations.source_record_id, operations.source_system, operations.study_id,
    'no disease assessment after the index operation'
from {{ ref('index_operations') }} as operations
left join {{ ref('last_disease_assessments') }} as assessments on operations.study_id = assessments.study_id
where assessments.study_id is null
union all
select candidates.source_table, candidates.source_record_id, operations.source_system, candidates.study_id,
    'no time between origin and end of ' || candidates.endpoint
from {{ ref('endpoint_candidates') }} as candidates
inner join {{ ref('index_operations') }} as operations on candidates.study_id = operations.study_id
where candidates.candidate_number = 1 and not candidates.is_a_time and candidates.role <> 'unsettled'
union all
select candidates.source_table, candidates.source_record_id, operations.source_system, candidates.study_id,
    candidates.event_label || ': not counted for ' || candidates.endpoint
from {{ ref('endpoint_candidates') }} as candidates
inner join {{ ref('index_operations') }} as operations on candidates.study_id = operations.study_id
where candidates.candidate_number = 1 and candidates.role = 'unsettled'
union all
select 'stg_patient_identities', 'merge of ' || own_study_id, source_system, own_study_id, 'patient merges in a circle'
from {{ ref('stg_patient_identities') }}
where n_merges >= {{ var('longest_chain_of_merges') }}
