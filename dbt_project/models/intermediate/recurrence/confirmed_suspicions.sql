-- Suspicious findings followed by a definite one in the same organ within the confirmation window; a look without a site agrees
-- with any. A clear look in between does not cancel the suspicion: the definite finding says that the earlier one was disease which
-- the clear look missed. The site is that of the look that confirms it, unless that one says less (no site, or no place in the organ).
with pairs as (
    select
        suspicions.study_id,
        suspicions.event_date,
        suspicions.site as suspected_site,
        suspicions.record_id,
        case
            when definite.site = 'not_stated' or (definite.site = definite.organ and definite.organ = suspicions.organ)
                then suspicions.site
            else definite.site
        end as site,
        rank() over (
            partition by suspicions.record_id, suspicions.site
            order by
                case when definite.site = suspicions.site and suspicions.site <> suspicions.organ then 0 else 1 end,
                definite.event_date
        ) as confirmation_number
    from {{ ref('site_findings') }} as suspicions
    inner join {{ ref('site_findings') }} as definite
        on suspicions.study_id = definite.study_id
        and {{ is_same_organ('suspicions.organ', 'definite.organ') }}
        and definite.finding = 'definite'
        and {{ crlm_days_between('suspicions.event_date', 'definite.event_date') }}
            between 0 and {{ clinical_setting('confirmation_window_days') }}
    where suspicions.finding = 'suspicious'
)

select distinct study_id, event_date, site, record_id
from pairs
where confirmation_number = 1
