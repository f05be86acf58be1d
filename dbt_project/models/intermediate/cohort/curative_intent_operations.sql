-- Of those, the ones meant to cure, where the study asks for that.
select *
from {{ ref('operations_for_the_disease') }}
where operative_intent = 'curative' or not {{ study_asks_for('curative_intent') }}
