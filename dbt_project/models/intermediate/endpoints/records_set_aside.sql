-- Records that contradict others or belong to nobody: not used, each with its reason, none vanished.
select source_table, source_record_id, source_system, study_id, 'patient not in the operations registry' as reason
from {{ ref('records_of_unregistered_patients') }}
union all
select 'stg_pathology_reports', record_id, source_system, study_id, reason
from {{ ref('reports_with_lines_that_do_not_count') }}
union all
select 'stg_follow_up_events', source_record_id, source_system, study_id, reason
from {{ ref('follow_up_events_set_aside') }}
union all
select 'stg_recurrence_treatments', record_id, source_system, study_id, problem
from {{ ref('treatments_after_recurrence') }}
where problem is not null
union all
select 'stg_vital_status', source_record_id, source_system, study_id, reason
from {{ ref('vital_statements_set_aside') }}
union all
select 'stg_registry_operations', operations.source_record_id, operations.source_system, operations.study_id,
    'no disease assessment after the index operation'
from {{ ref('index_operations') }} as operations
left join {{ ref('last_disease_assessments') }} as assessments on operations.study_id = assessments.study_id
where assessments.study_id is null
union all
select source_table, source_record_id, source_system, study_id, reason
from {{ ref('endings_set_aside') }}
union all
select 'stg_patient_identities', 'merge of ' || own_study_id, source_system, own_study_id, 'patient merges in a circle'
from {{ ref('stg_patient_identities') }}
where n_merges >= {{ var('longest_chain_of_merges') }}
union all
select 'stg_margin_adjudications', record_id, source_system, study_id, 'answer to a question about another patient'
from {{ ref('stg_margin_adjudications') }}
where is_about_another_patient
union all
select 'stg_follow_up_adjudications', record_id, source_system, study_id, 'answer to a question about another patient'
from {{ ref('stg_follow_up_adjudications') }}
where is_about_another_patient
