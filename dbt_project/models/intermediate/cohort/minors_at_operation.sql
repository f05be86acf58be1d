-- Patients known to be under age at operation; an unknown birth date excludes nobody.
select study_id
from {{ ref('first_curative_hepatectomies') }}
where birth_date + to_years(cast({{ clinical_setting('adult_age_years') }} as integer)) > operation_date
    or stated_age_at_operation_years < {{ clinical_setting('adult_age_years') }}
