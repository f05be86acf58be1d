-- Suspicious findings followed by a definite one at the same site within the confirmation window. A clear look in between does
-- not cancel the suspicion: the definite finding says that the earlier one was disease which the clear look missed.
select distinct
    suspicions.study_id,
    suspicions.event_date,
    suspicions.site,
    suspicions.record_id
from {{ ref('site_findings') }} as suspicions
inner join {{ ref('site_findings') }} as definite
    on suspicions.study_id = definite.study_id
    and suspicions.site = definite.site
    and definite.finding = 'definite'
    and {{ crlm_days_between('suspicions.event_date', 'definite.event_date') }}
        between 0 and {{ clinical_setting('confirmation_window_days') }}
where suspicions.finding = 'suspicious'
