-- The words for sites as they are compared: without case, plural, hyphens and qualifiers.
with qualifiers as (
    {{ site_qualifiers() }}
)

select
    {{ site_word_key('words.word', 'qualifiers.listed') }} as word_key,
    min(words.word) as word,
    min(words.site) as site
from {{ ref('recurrence_site_words') }} as words
cross join qualifiers
group by word_key
