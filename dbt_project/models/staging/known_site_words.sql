-- The words for sites as they are compared: without case, plural, hyphens and qualifiers. Of several spellings of one, such as 'ln' and
-- 'lymph node', the one that is written out stands for it.
with qualifiers as (
    {{ site_qualifiers() }}
),

keyed as (
    select
        words.word,
        words.site,
        {{ site_word_key('words.word', 'qualifiers.listed') }} as word_key
    from {{ ref('recurrence_site_words') }} as words
    cross join qualifiers
)

select
    word_key,
    coalesce(min(word) filter (where word = word_key), min(word)) as word,
    min(site) as site
from keyed
group by word_key
