-- What was said at a look at a patient and is not used, with the reason: the look itself has a problem, a clinic visit is no evidence
-- of recurrence, or the site of disease is missing or in words that nobody understood.
with looks as (
    select * from {{ ref('dated_follow_up_events') }}
),

statements_of_disease as (
    select * from looks
    where problem is null and finding in ('suspicious', 'definite')
)

select record_id as source_record_id, source_system, study_id, problem as reason
from looks
where problem is not null
union all
-- the look counts as one; what was said at it does not
select record_id, source_system, study_id, 'a clinic visit alone is no evidence of recurrence'
from statements_of_disease
where not is_evidence
union all
select record_id, source_system, study_id, 'site of disease in words that are not understood'
from statements_of_disease
where unknown_site_words is not null
union all
select record_id, source_system, study_id, 'disease without a site'
from statements_of_disease
where is_without_site
