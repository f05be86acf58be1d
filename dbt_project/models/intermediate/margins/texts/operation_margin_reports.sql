-- Current report versions (and addenda) that belong to the index operation: collected within the day window of it.
select
    operations.study_id,
    reports.accession_number,
    reports.record_id,
    reports.reported_at,
    reports.is_addendum
from {{ ref('stg_pathology_reports') }} as reports
inner join {{ ref('index_operations') }} as operations on reports.study_id = operations.study_id
where reports.is_current
    and {{ crlm_days_between('operations.index_operation_date', 'reports.collected_date') }}
        between -{{ margin_setting('report_days_before_operation') }} and {{ margin_setting('report_days_after_operation') }}
