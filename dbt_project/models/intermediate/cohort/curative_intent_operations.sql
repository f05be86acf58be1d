-- Of those, the ones meant to cure.
select *
from {{ ref('colorectal_metastasis_operations') }}
where operative_intent = 'curative'
