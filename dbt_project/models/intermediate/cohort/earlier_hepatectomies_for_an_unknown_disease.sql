-- Patients of whom nobody wrote down what an earlier resection of the liver was for.
select distinct operations.study_id
from {{ ref('stg_registry_operations') }} as operations
inner join {{ ref('first_curative_hepatectomies') }} as first_operations
    on operations.study_id = first_operations.study_id
    and operations.operation_date < first_operations.operation_date
where operations.diagnosis is null and coalesce(operations.operated_organ, 'liver') = {{ the_study('operated_organ') }}
