-- One row an index operation and definition of margin groups: the group that holds every width the record leaves possible.
with definitions as (
    select distinct definition from {{ ref('margin_definitions') }}
),

settled as (
    select intervals.study_id, groups.definition, groups.margin_group, groups.group_order
    from {{ ref('margin_intervals') }} as intervals
    inner join {{ ref('margin_definitions') }} as groups
        on (
            intervals.low_mm > groups.from_mm
            or (intervals.low_mm = groups.from_mm and (groups.is_from_included or intervals.is_low_excluded))
        )
        and (
            intervals.high_mm < groups.to_mm
            or (intervals.high_mm = groups.to_mm and (groups.is_to_included or intervals.is_high_excluded))
        )
)

select
    operations.study_id,
    definitions.definition,
    coalesce(settled.margin_group, 'unresolved') as margin_group,
    settled.group_order
from {{ ref('operation_margins') }} as operations
cross join definitions
left join settled on operations.study_id = settled.study_id and definitions.definition = settled.definition
