-- Definite looks whose source gave no site at all, where the site is known from others: they confirmed a suspicion, or follow
-- disease at a stated site within the synchronous window. They agree with it and add no site of their own.
with disease as (
    select study_id, event_date, site, {{ clinical_setting('synchronous_window_days') }} as within_days
    from {{ ref('site_findings') }}
    where finding = 'definite'
    union all
    select study_id, event_date, site, {{ clinical_setting('confirmation_window_days') }}
    from {{ ref('confirmed_suspicions') }}
),

agreements as (
    select
        looks.study_id,
        looks.record_id,
        looks.event_date,
        disease.site,
        rank() over (partition by looks.record_id order by disease.event_date desc) as agreement_number
    from {{ ref('site_findings') }} as looks
    inner join disease
        on looks.study_id = disease.study_id
        and disease.site <> 'not_stated'
        and {{ crlm_days_between('disease.event_date', 'looks.event_date') }} between 0 and disease.within_days
    where looks.finding = 'definite' and looks.is_without_site
)

select distinct study_id, event_date, site, record_id
from agreements
where agreement_number = 1
