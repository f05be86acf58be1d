-- Words of seeds.recurrence_site_words that are the same word as they are compared, but name two sites.
select {{ site_word_key('words.word', 'qualifiers.listed') }} as word_key
from {{ ref('recurrence_site_words') }} as words
cross join ({{ site_qualifiers() }}) as qualifiers
group by word_key
having count(distinct words.site) > 1
