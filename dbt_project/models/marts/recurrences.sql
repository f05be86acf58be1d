-- One row a patient and site of recurrence: the first evidence of it.
select
    sites.study_id,
    sites.site,
    {{ crlm_days_between('operations.index_operation_date', 'sites.recurrence_date') }} as recurrence_days,
    initial.study_id is not null as is_initial_site,
    sites.evidence,
    'stg_follow_up_events' as source_table,
    sites.source_record_id
from {{ ref('recurrence_sites') }} as sites
inner join {{ ref('index_operations') }} as operations on sites.study_id = operations.study_id
left join {{ ref('initial_sites') }} as initial on sites.study_id = initial.study_id and sites.site = initial.site
