-- The looks at a patient that a reviewer is asked about: disease at a site that is missing or in words that are not understood, and
-- statements of a clinic visit, which alone are no evidence. What stands in the same words is one question; a look that was sent
-- without words is one of its own, and another one when it is corrected.
with asked as (
    select
        looks.study_id,
        looks.record_id,
        looks.unknown_site_words,
        case
            when {{ is_evidence_of_recurrence('looks') }} then 'site'
            when looks.finding = 'definite' then 'statement'
        end as asks
    from {{ ref('stg_follow_up_events') }} as looks
    where
        looks.finding in ('suspicious', 'definite')
        and (
            not {{ is_evidence_of_recurrence('looks') }}
            or looks.sites is null
            or list_contains(looks.sites, 'not_stated')
        )
)

select
    study_id,
    record_id,
    asks,
    study_id || ':' || asks || ':' || substr(md5(
        case when asks = 'site' then coalesce(lower(unknown_site_words), record_id) else record_id end
    ), 1, 8) as question_id
from asked
where asks is not null
