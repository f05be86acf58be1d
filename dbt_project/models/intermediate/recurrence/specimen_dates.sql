-- The day on which the tissue of a biopsy was taken, where it is not the day of its report: stated, or that of the treatment
-- (a resection, an ablation) whose specimen it must be: the last one of the same organ shortly before. Tissue that is dated
-- after its report is not believed.
with biopsies as (
    select study_id, record_id, event_date, specimen_date, finding, sites
    from {{ ref('follow_up_events_as_answered') }}
    where event_type = 'biopsy'
),

biopsied as (
    select distinct biopsies.study_id, biopsies.record_id, biopsies.event_date, names.organ
    from biopsies
    {{ crlm_explode("coalesce(biopsies.sites, ['not_stated'])", 'site') }}
    inner join {{ ref('recurrence_site_names') }} as names on exploded.site = names.site
    where biopsies.specimen_date is null and biopsies.finding = 'definite'
),

treated as (
    select distinct treatments.study_id, treatments.record_id, treatments.treatment_date, names.organ
    from {{ ref('stg_recurrence_treatments') }} as treatments
    inner join {{ ref('treatment_types') }} as types
        on treatments.treatment_type = types.treatment_type and types.yields_a_specimen
    {{ crlm_explode("coalesce(treatments.sites, ['not_stated'])", 'site') }}
    inner join {{ ref('recurrence_site_names') }} as names on exploded.site = names.site
)

select study_id, record_id, specimen_date as tissue_date, cast(null as varchar) as treatment_record_id
from biopsies
where specimen_date < event_date
union all
select
    biopsied.study_id,
    biopsied.record_id,
    max(treated.treatment_date),
    arg_max(treated.record_id, (treated.treatment_date, treated.record_id))
from biopsied
inner join treated
    on biopsied.study_id = treated.study_id
    and {{ is_same_organ('biopsied.organ', 'treated.organ') }}
    and {{ crlm_days_between('treated.treatment_date', 'biopsied.event_date') }}
        between 0 and {{ clinical_setting('specimen_report_days') }}
group by biopsied.study_id, biopsied.record_id
