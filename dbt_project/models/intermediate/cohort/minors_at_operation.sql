-- Patients known to be under age at operation; an unknown birth date excludes nobody.
select study_id
from {{ ref('first_curative_hepatectomies') }}
where {{ completed_years('birth_date', 'operation_date') }} < {{ clinical_setting('adult_age_years') }}
    or stated_age_at_operation_years < {{ clinical_setting('adult_age_years') }}
