-- The initial pattern of each patient who recurred: liver only, lung only, another single organ, or multiple organs;
-- a site not stated beside others makes several.
with counted as (
    select
        study_id,
        count(*) as n_initial_sites,
        count(distinct organ) as n_organs,
        min(organ) as first_organ,
        bool_or(organ = 'not_stated') as has_site_not_stated,
        {{ initial_pattern_truths() }}
    from {{ ref('initial_sites') }}
    group by study_id
)

select
    counted.study_id,
    first_dates.first_recurrence_date,
    case
        when counted.n_organs > 1 then 'multiple sites'
        when counted.has_site_not_stated then 'not stated'
        when counted.first_organ = 'liver' then 'liver only'
        when counted.first_organ = 'lung' then 'lung only'
        else 'other single site'
    end as initial_pattern,
    counted.has_site_not_stated,
    counted.is_isolated_liver,
    counted.is_extrahepatic_only,
    counted.has_margin_site,
    cast(counted.n_initial_sites as integer) as n_initial_sites,
    first_dates.source_record_id
from counted
inner join {{ ref('first_recurrence_dates') }} as first_dates on counted.study_id = first_dates.study_id
