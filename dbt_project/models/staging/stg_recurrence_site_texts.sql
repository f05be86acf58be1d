-- What the texts that name sites in words mean: each distinct text is taken apart once, word by word. A word that
-- seeds.recurrence_site_words does not have is not guessed.
with texts as (
    select distinct sites_text from {{ source('raw', 'follow_up') }}
    where sites_text is not null
),

parts as (
    select
        sites_text,
        trim(regexp_replace(part, '\s+', ' ', 'g'), ' .') as word
    from texts
    cross join unnest(string_split_regex(lower(sites_text), '[;,/+&]|\band\b')) as taken_apart (part)
)

select
    parts.sites_text,
    list(distinct words.site order by words.site) filter (where words.site is not null) as sites,
    string_agg(distinct parts.word, '; ' order by parts.word) filter (where words.site is null) as unknown_words
from parts
left join {{ ref('recurrence_site_words') }} as words on parts.word = words.word
where parts.word <> ''
group by parts.sites_text
