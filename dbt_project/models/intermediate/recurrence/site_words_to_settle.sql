-- Restricted, it holds free text: the words for sites of disease that could not be read, for the coordinator - how many looks each
-- concerns, and the nearest word that is known, as a proposal that changes nothing. A word that is known to leave the site open has
-- none: 'retroperitoneum' is not nearly 'peritoneum'.
with qualifiers as (
    {{ site_qualifiers() }}
),

texts as (
    select sites_text, count(*) as n_looks
    from {{ source('raw', 'follow_up') }}
    where sites is null and finding in ('suspicious', 'definite')
    group by sites_text
),

unread as (
    select
        taken_apart.word,
        {{ site_word_key('taken_apart.word', 'qualifiers.listed') }} as word_key,
        sum(texts.n_looks) as n_looks
    from {{ ref('stg_recurrence_site_texts') }} as meanings
    inner join texts on meanings.sites_text = texts.sites_text
    cross join qualifiers
    cross join unnest(string_split(meanings.unknown_words, '; ')) as taken_apart (word)
    group by all
),

-- words that are known to say of no site
no_site as (
    select distinct word_key
    from {{ ref('known_site_words') }}
    where site = 'not_stated'
),

compared as (
    select
        unread.word,
        known.word as known_word,
        known.site,
        1 - levenshtein(unread.word_key, known.word_key) / greatest(length(unread.word_key), length(known.word_key)) as similarity
    from unread
    inner join {{ ref('known_site_words') }} as known on known.site <> 'not_stated'
    left join no_site on unread.word_key = no_site.word_key
    where no_site.word_key is null
),

nearest as (
    select
        word,
        known_word,
        site,
        similarity,
        row_number() over (partition by word order by similarity desc, known_word asc) as nearness
    from compared
    where similarity >= {{ clinical_setting('site_word_least_similarity') }}
)

select
    unread.word,
    cast(unread.n_looks as bigint) as n_looks,
    nearest.known_word as nearest_known_word,
    nearest.site as proposed_site,
    nearest.similarity
from unread
left join nearest on unread.word = nearest.word and nearest.nearness = 1
