{{ config(materialized='view') }}
-- Every distance of a report that leads to a margin, each where it stands.
with distances as (
    select
        contexts.* exclude (is_of_liver),
        meanings.* exclude (clause_text, follows_margin, rules_version, margin_type),
        case
            when meanings.margin_type = 'previous' then contexts.previous_margin_type
            when meanings.rule = 'distance to the margin of the field above' then coalesce(contexts.previous_margin_type, 'margin')
            else meanings.margin_type
        end as margin_type,
        coalesce(statuses.margin_status = 'involved', false) as is_clause_of_involvement
    from {{ ref('margin_clause_contexts') }} as contexts
    inner join {{ ref('margin_distance_meanings') }} as meanings
        on contexts.clause_text = meanings.clause_text
        and (contexts.previous_margin_type is not null) = meanings.follows_margin
    left join {{ ref('margin_status_meanings') }} as statuses on contexts.clause_text = statuses.clause_text
    where contexts.is_of_liver
),

-- 'lesion a: 15 mm; lesion b: 22 mm from the margin'; anything else after it may be a list of sizes
texts_with_lesion_list as (
    select distinct text_id from distances where rule = 'list of lesions'
),

-- 'the distances are to the parenchymal margin', in a sentence of its own
list_targets as (
    select distinct contexts.text_id
    from {{ ref('margin_clause_contexts') }} as contexts
    inner join {{ ref('margin_clause_normalised') }} as normalised on contexts.clause_text = normalised.clause_text
    where {{ crlm_regexp_matches('normalised.clause_normalised', '^[^⟦]*\\b(?:distances|clearances|measurements|figures)\\b[^⟦]*(?:to|from) (?:the )?(?:[a-z]+ ){0,2}@(?:parenchymal|margin)[^⟦]*$') }}
),

lesion_lists as (
    select
        distances.* replace (
            case
                when distances.rule <> 'list of lesions' then distances.margin_type
                else coalesce(first_value(
                    case
                        when distances.rule = 'list of lesions' then null
                        when distances.is_lesion_on_left and distances.rule in ('distance to a named margin', 'distance before the margin word', 'distance field after a margin field')
                            then distances.margin_type
                        else 'none'
                    end ignore nulls
                ) over (
                    partition by distances.text_id, distances.record_id, distances.section, distances.specimen, distances.part
                    order by distances.clause_number, distances.distance_number
                    rows between current row and unbounded following
                ), last_value(
                    case
                        when distances.is_lesion_on_left and distances.rule = 'distance to a named margin' then distances.margin_type
                        when distances.lesion_label is not null and distances.rule = 'margin label before the distance' then distances.margin_type
                    end ignore nulls
                ) over (
                    partition by distances.text_id, distances.record_id, distances.section, distances.specimen
                    order by distances.clause_number, distances.distance_number
                    rows between unbounded preceding and current row
                ), case when targets.text_id is not null then 'margin' when distances.previous_margin_type is not null or bool_or(distances.rule <> 'list of lesions' and distances.margin_type in ('margin', 'parenchymal')) over (
                    partition by distances.text_id, distances.record_id, distances.section
                    order by distances.clause_number, distances.distance_number
                    rows between unbounded preceding and unbounded following
                ) then 'unexplained' end)
            end as margin_type
        )
    from distances
    inner join texts_with_lesion_list on distances.text_id = texts_with_lesion_list.text_id
    left join list_targets as targets on distances.text_id = targets.text_id
),

every_distance as (
    select * from distances where text_id not in (select text_id from texts_with_lesion_list)
    union all by name
    select * from lesion_lists
)

select
    text_id, accession_number, record_id, section, specimen, part, organ, is_additional_margin, has_bowel_specimen, is_other_tumor,
    evidence_kind, clause_number, clause_text, own_lesion_label, distance_number, lesion_label,
    previous_margin_type, comparator, distance_mm, up_to_mm, margin_type, rule, is_gross_distance
from every_distance
where margin_type <> 'none'
    -- 'involves the margin over 4 mm': an extent
    and not (is_clause_of_involvement and comparator in ('>', '>='))
