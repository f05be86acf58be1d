-- Records of patients of whom the operations registry knows nothing: they belong to nobody and are not used.
with registered as (
    select distinct study_id from {{ ref('stg_registry_operations') }}
),

records as (
    select 'stg_follow_up_events' as source_table, record_id, source_system, study_id from {{ ref('stg_follow_up_events') }}
    union all
    select 'stg_recurrence_treatments', record_id, source_system, study_id from {{ ref('stg_recurrence_treatments') }}
    union all
    select 'stg_vital_status', record_id, source_system, study_id from {{ ref('stg_vital_status') }}
    union all
    select 'stg_pathology_reports', record_id, source_system, study_id from {{ ref('stg_pathology_reports') }}
)

select records.source_table, records.record_id as source_record_id, records.source_system, records.study_id
from records
left join registered on records.study_id = registered.study_id
where registered.study_id is null
