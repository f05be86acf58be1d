-- Every distance of a report that leads to a margin, each where it stands; members of a list take the type of their list.
with distances as (
    select
        contexts.* exclude (clause_normalised, is_of_liver),
        meanings.* exclude (clause_text, follows_margin, rules_version, direct_type),
        case when meanings.direct_type = 'previous' then contexts.previous_margin_type else meanings.direct_type end as direct_type
    from {{ ref('margin_clause_contexts') }} as contexts
    inner join {{ ref('margin_distance_meanings') }} as meanings
        on contexts.clause_text = meanings.clause_text
        and (contexts.previous_margin_type is not null) = meanings.follows_margin
    where contexts.is_of_liver
),

inherited as (
    select
        *,
        case direct_rule
            when 'list of clearances' then last_value(nullif(direct_type, 'none') ignore nulls) over so_far_in_clause
            when 'list' then last_value(direct_type ignore nulls) over so_far_in_clause
            when 'list of distances' then first_value(direct_type ignore nulls) over rest_of_clause
            -- 'lesion a: 15 mm; lesion b: 22 mm from the margin'; anything else after it may be a list of sizes
            when 'list of lesions' then first_value(
                case
                    when direct_rule = 'list of lesions' then null
                    when is_lesion_on_left and direct_rule in ('distance to a named margin', 'distance before the margin word') then direct_type
                    else 'none'
                end ignore nulls
            ) over rest_of_part
            else direct_type
        end as margin_type
    from distances
    window
        so_far_in_clause as (partition by text_id, record_id, section, specimen, clause_number order by distance_number),
        rest_of_clause as (
            partition by text_id, record_id, section, specimen, clause_number order by distance_number
            rows between current row and unbounded following
        ),
        rest_of_part as (
            partition by text_id, record_id, section, specimen, part order by clause_number, distance_number
            rows between current row and unbounded following
        )
)

select
    text_id, accession_number, record_id, section, specimen, part, organ, is_additional_margin, has_bowel_specimen, is_other_tumor,
    evidence_kind, clause_number, clause_text, own_lesion_label, distance_number, lesion_label,
    previous_margin_type, comparator, distance_mm, up_to_mm, margin_type,
    direct_rule as rule,
    is_gross_distance
from inherited
where margin_type <> 'none'
