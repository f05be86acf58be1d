{{ config(alias='index_operations') }}
-- One row an index operation, de-identified: year instead of date, oldest ages as one group.
with operations as (
    select * from {{ ref('index_operations') }}
),

measured as (
    select
        operations.*,
        -- sources that give durations instead of dates have no year of operation
        case
            when not coalesce(operations.has_nominal_dates, false) then cast(extract(year from operations.index_operation_date) as integer)
        end as operation_year,
        coalesce(
            {{ completed_years('operations.birth_date', 'operations.index_operation_date') }},
            operations.stated_age_at_operation_years
        ) as age_years,
        {{ crlm_days_between('operations.primary_resection_date', 'operations.liver_metastasis_date') }} / ({{ plan_number('days_a_year') }} / 12)
            as interval_months
    from operations
),

criteria as (
    select
        measured.*,
        primary_node_status = 'positive' as is_node_positive,
        interval_months < {{ clinical_setting('short_disease_free_interval_months') }} as has_short_interval,
        coalesce(
            metastasis_count > {{ clinical_setting('multiple_metastases_above') }},
            {{ is_bound_above('metastasis_count_told', clinical_setting('multiple_metastases_above')) }}
        ) as has_multiple_metastases,
        coalesce(
            largest_metastasis_cm > {{ clinical_setting('large_metastasis_above_cm') }},
            {{ is_bound_above('largest_metastasis_cm_told', clinical_setting('large_metastasis_above_cm')) }}
        ) as is_large,
        coalesce(
            cea_ng_ml > {{ clinical_setting('high_cea_above_ng_ml') }},
            {{ is_bound_above('cea_ng_ml_told', clinical_setting('high_cea_above_ng_ml')) }}
        ) as has_high_cea
    from measured
)

select
    criteria.study_id,
    criteria.source_system,
    criteria.operation_year,
    eras.era,
    -- not least(), which takes the other value for a missing one
    cast(
        case
            when criteria.age_years < {{ clinical_setting('oldest_published_age_years') }} then floor(criteria.age_years)
            when criteria.age_years is not null then {{ clinical_setting('oldest_published_age_years') }}
        end as integer
    ) as age_at_operation_years,
    criteria.sex,
    criteria.procedure_type,
    criteria.primary_site,
    criteria.is_node_positive,
    criteria.interval_months as disease_free_interval_months,
    criteria.has_short_interval as has_short_disease_free_interval,
    criteria.interval_months <= {{ clinical_setting('synchronous_interval_months') }} as is_synchronous,
    criteria.metastasis_count,
    criteria.has_multiple_metastases,
    count_groups.metastasis_count_group,
    criteria.largest_metastasis_cm,
    criteria.is_large as has_large_metastasis,
    criteria.cea_ng_ml,
    criteria.has_high_cea,
    criteria.has_extrahepatic_disease,
    criteria.has_hai_pump,
    criteria.had_preoperative_chemotherapy,
    criteria.is_kras_mutated,
    -- a score that the source states counts only where its five parts are not all known
    cast(
        coalesce(
            cast(criteria.is_node_positive as integer) + cast(criteria.has_short_interval as integer)
            + cast(criteria.has_multiple_metastases as integer) + cast(criteria.is_large as integer)
            + cast(criteria.has_high_cea as integer),
            criteria.stated_clinical_risk_score
        ) as integer
    ) as clinical_risk_score,
    margins.margin_group,
    without_margins.study_id is null as has_margin_records,
    not coalesce(criteria.has_nominal_dates, false) as has_calendar_dates,
    criteria.source_record_id
from criteria
inner join {{ ref('operation_margins') }} as margins on criteria.study_id = margins.study_id
left join {{ ref('underivable_patient_endpoints') }} as without_margins
    on criteria.study_id = without_margins.study_id and without_margins.endpoint = 'margin_group'
left join {{ ref('metastasis_count_groups') }} as count_groups
    on criteria.metastasis_count between count_groups.least and count_groups.most
left join {{ ref('operation_eras') }} as eras
    on criteria.operation_year between eras.first_year and eras.last_year
