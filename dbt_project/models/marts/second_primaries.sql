-- One row a look that found another cancer: no recurrence of the liver metastases, wherever it is.
select
    assessments.study_id,
    {{ crlm_days_between('operations.index_operation_date', 'assessments.event_date') }} as found_days,
    coalesce(array_to_string(list_sort(assessments.sites), ';'), 'not_stated') as sites,
    'stg_follow_up_events' as source_table,
    assessments.record_id as source_record_id
from {{ ref('disease_assessments') }} as assessments
inner join {{ ref('index_operations') }} as operations on assessments.study_id = operations.study_id
where assessments.finding = 'second_primary'
