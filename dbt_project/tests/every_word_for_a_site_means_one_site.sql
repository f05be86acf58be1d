-- Words of seeds.recurrence_site_words that are the same word as they are compared, but name two sites.
with qualifiers as (
    {{ site_qualifiers() }}
)

select {{ site_word_key('words.word', 'qualifiers.listed') }} as word_key
from {{ ref('recurrence_site_words') }} as words
cross join qualifiers
group by word_key
having count(distinct words.site) > 1
