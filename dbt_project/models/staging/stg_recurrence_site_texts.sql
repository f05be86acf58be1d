-- What the texts that name sites in words mean: each distinct text is taken apart once, word by word. A word that
-- seeds.recurrence_site_words does not have is not guessed: it names a site that is not stated.
with qualifiers as (
    {{ site_qualifiers() }}
),

texts as (
    select distinct sites_text from {{ source('raw', 'follow_up') }}
    where sites_text is not null
),

parts as (
    select
        sites_text,
        trim(regexp_replace(part, '\s+', ' ', 'g'), ' .:') as word,
        {{ site_word_key('part', 'qualifiers.listed') }} as word_key
    from texts
    cross join qualifiers
    cross join unnest(string_split_regex(lower(sites_text), '[;,/+&|]|\band\b')) as taken_apart (part)
),

named as (
    select
        parts.sites_text,
        parts.word,
        coalesce(known.site, 'not_stated') as site
    from parts
    left join {{ ref('known_site_words') }} as known on parts.word_key = known.word_key
    where parts.word <> ''
)

select
    sites_text,
    list(distinct site order by site) as sites,
    string_agg(distinct word, '; ' order by word) filter (where site = 'not_stated') as unknown_words
from named
group by sites_text
