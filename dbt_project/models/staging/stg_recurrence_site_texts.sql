-- What the texts that name sites in words mean: each distinct text is taken apart once, word by word. A word that
-- seeds.recurrence_site_words does not have is not guessed: it names a site that is not stated. Qualifiers by themselves name no
-- site beside one that is named ('Liver, NOS', 'left and right lung'); those that may be disease somewhere else (a lesion, a mass)
-- only where they stand with it.
with qualifiers as (
    {{ site_qualifiers() }}
),

texts as (
    select distinct sites_text from {{ source('raw', 'follow_up') }}
    where sites_text is not null
),

parts as (
    select
        texts.sites_text,
        taken_apart.part
    from texts
    cross join unnest({{ site_parts('texts.sites_text') }}) as taken_apart (part)
),

pieces as (
    select
        parts.sites_text,
        parts.part,
        trim(regexp_replace(taken_apart.piece, '\s+', ' ', 'g'), ' .:') as word,
        {{ site_word_key('taken_apart.piece', 'qualifiers.listed') }} as word_key,
        {{ site_word_without('taken_apart.piece', 'qualifiers.listed') }} = '' as has_only_qualifiers,
        {{ site_word_without('taken_apart.piece', 'qualifiers.dependent') }} = '' as has_only_dependent_qualifiers
    from parts
    cross join qualifiers
    cross join unnest({{ site_pieces('parts.part') }}) as taken_apart (piece)
),

words as (
    select
        *,
        bool_or(not has_only_qualifiers) over (partition by sites_text, part) as has_part_a_site,
        bool_or(not has_only_qualifiers) over (partition by sites_text) as has_text_a_site
    from pieces
    where word <> ''
),

named as (
    select
        words.sites_text,
        words.word,
        coalesce(known.site, 'not_stated') as site
    from words
    left join {{ ref('known_site_words') }} as known on words.word_key = known.word_key
    where not (words.has_only_qualifiers and words.has_part_a_site)
        and not (words.has_only_dependent_qualifiers and words.has_text_a_site)
)

select
    sites_text,
    list(distinct site order by site) as sites,
    string_agg(distinct word, '; ' order by word) filter (where site = 'not_stated') as unknown_words
from named
group by sites_text
