-- The words for sites as they are compared: without case, plural, hyphens and qualifiers.
select
    {{ site_word_key('words.word', 'qualifiers.listed') }} as word_key,
    min(words.word) as word,
    min(words.site) as site
from {{ ref('recurrence_site_words') }} as words
cross join ({{ site_qualifiers() }}) as qualifiers
group by word_key
