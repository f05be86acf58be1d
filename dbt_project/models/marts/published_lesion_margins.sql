{{ config(alias='lesion_margins') }}
-- One row a metastasis whose own margin the reports state: the per-lesion view, beside the smallest of the operation.
select
    lesions.text_id as study_id,
    cast(row_number() over (partition by lesions.text_id order by lesions.part, lesions.lesion_label) as integer) as lesion_number,
    case when lesions.low_mm = lesions.high_mm then round(lesions.low_mm, 4) end as margin_mm,
    coalesce(groups.margin_group, 'unresolved') as margin_group
from {{ ref('lesion_margins') }} as lesions
inner join {{ ref('index_operations') }} as operations on lesions.text_id = operations.study_id
left join {{ ref('margin_definitions') }} as groups
    on groups.definition = 'published'
    and lesions.blocking_reason is null
    and not lesions.is_without_viable_tumor
    and (lesions.low_mm > groups.from_mm or (lesions.low_mm = groups.from_mm and groups.is_from_included))
    and (lesions.high_mm < groups.to_mm or (lesions.high_mm = groups.to_mm and groups.is_to_included))
where lesions.low_mm is not null and not lesions.is_without_tumor
