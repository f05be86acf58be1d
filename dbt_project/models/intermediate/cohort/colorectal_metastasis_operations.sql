-- Hepatectomies for colorectal liver metastases.
select *
from {{ ref('stg_registry_operations') }}
where diagnosis = 'colorectal_liver_metastasis'
