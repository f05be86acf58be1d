{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false, on_schema_change='sync_all_columns', pre_hook=forget_other_rules()) }}
-- What a clause says about a hepatic margin in words: involved, not involved, not decided; or that no viable tumour is left.
-- Parts of the clause about the capsule, the bowel or another organ are left out first.
{% set hepatic = '@(?:parenchymal|margin|bile_duct|vascular)' %}
{% set tumor = margin_words('tumor_word') %}
{% set negation = '(?:^|[^a-z])' ~ margin_words('negation') ~ '(?:$|[^a-z])' %}
{% set involve = '(?:involv(?:es|ing|e)|involvement of|invasion of|infiltration of|extension (?:in)?to|invad(?:es|ing|ed)|infiltrat(?:es|ing|ed)|abut(?:s|ting|ted)?|touch(?:es|ing|ed)?|reach(?:es|ing|ed)?|transect(?:s|ed)|contiguous with|exposed (?:at|on|to)|contact(?:s|ing|ed)?|extend(?:s|ing|ed)? (?:focally |directly |up )*(?:to|into|onto)|up to|flush with)' %}
{% set cancer = '(?:tumou?rs?|(?:adeno)?carcinomas?|adenoca|metastas[ei]s|malignan\\w*|neoplas\\w*|cancer|glands?|cells)' %}
{% set present = '(?:at|on|in|along|within|across)' %}
{#- the last: a size between the tumour and what it reaches ('metastasis, 1.8 cm, at the margin') -#}
with statements as (
    select
        *,
        {{ crlm_replace_in_turn('clause_normalised', [
            ['⟦[^⟧]*⟧', '#'],
            [' (but|whereas|while) ', ' , \\1 '], [' and (?:is |are |was |were )?(clear|free|negative|uninvolved)\\b', ' , \\1'],
            ['(?:with )?no intervening (?:[a-z]+ ){0,3}(?:tissue|parenchyma|liver)', ' '],
            ['^(\\W*(?:[a-z]+ ){0,4}' ~ tumor ~ '[^,()@~]*[@~](?:capsule|bowel|other_organ|border)[^,()@~]*?),? (?:and|but) (?:it )?(is|are|was|also|at|on|lies|involv|extend|reach|abut|invad|touch|present|seen)', '\\1, tumor \\2'],
            ['(@(?:parenchymal|margin)[^,()@~]*?) (and|but) ([^,()@~]*[@~](?:capsule|bowel|other_organ|border))', '\\1, \\2 \\3'],
            ['[^,()]*[@~](?:capsule|bowel|other_organ|border)[^,()]*', ' '],
            ['(' ~ tumor ~ '(?: [a-z0-9]{1,3})?)(?:, #| [(] ?#(?: in (?:greatest|maximum) (?:dimension|diameter))?[)]),? (at|on|in|reach|extend|abut|involv|touch)', '\\1 \\2'],
            ['(' ~ tumor ~ ') of #', '\\1'],
            ['# (' ~ tumor ~ ')', '\\1'], ['(' ~ tumor ~ ') ?[(] ?#[)]', '\\1'],
            ['[(][^()@#]*(?:%|block|slide|trg)[^()@#]*[)]', ' '],
        ]) }} as statement
    from {{ ref('margin_clause_normalised') }}
    {% if is_incremental() %}where clause_text not in (select clause_text from {{ this }}){% endif %}
),

without_negated_parts as (
    select
        *,
        {{ crlm_replace_in_turn('statement', [['[^,()]*' ~ negation ~ '[^,()]*', ' , ']]) }} as affirmed
    from statements
    where names_hepatic_margin
        or {{ crlm_regexp_matches('statement', '\\br1uk\\b') }}
        or {{ crlm_regexp_matches('statement', margin_words('open_question')) }}
        or {{ crlm_regexp_matches('statement', '\\br[01]\\b|transected|incomplete|living|ghost|residual|ypt0|reach|touch|abut|breach|flush|cut (?:through|across)|viable|response|necro|fibrotic|hyalini|carcinoma|metasta|' ~ margin_words('no_tumor_in_specimen')) }}
),

read as (
    select
        *,
        {{ crlm_regexp_matches('statement', hepatic) }} as is_about_hepatic_margin,
        {{ crlm_regexp_matches('statement', margin_words('uncertain')) }} as is_uncertain,
        {{ crlm_regexp_matches('statement', margin_words('not_stated')) }} as is_not_stated,
        {{ crlm_regexp_matches('statement', margin_words('no_viable_tumor')) }}
            and not {{ crlm_regexp_matches('statement', margin_words('no_viable_tumor') ~ '[^,]*(?:at|in|within|on|to|near|involving|involves) [^,]*' ~ hepatic) }} as says_no_viable_tumor,
        {{ crlm_regexp_matches('statement', '(?:^|[^a-z])' ~ margin_words('no_tumor_in_specimen')) }} as says_no_tumor,
        {{ crlm_regexp_matches('statement', negation) }} as is_negated,
        case
            when {{ crlm_regexp_matches('statement', '\\br1\\b') }} and not {{ crlm_regexp_matches('statement', '\\b(?:not|no|excludes?|without|rather than) (?:an? )?r1\\b') }} then 'R1'
            when {{ crlm_regexp_matches('affirmed', hepatic ~ ' ?: ?(?:tumou?r )?present (?:at|on) (?:the )?' ~ hepatic) }} then 'margin involved'
            when {{ crlm_regexp_matches('affirmed', '\\bcontact (?:of|between) (?:the )?' ~ tumor ~ '[^,#]* (?:and|with) (?:the )?' ~ hepatic) }} then 'tumour at the margin'
            when {{ crlm_regexp_matches('affirmed', margin_words('cut_through')) }} and {{ crlm_regexp_matches('statement', hepatic) }} then 'tumour transected'
            when {{ crlm_regexp_matches('affirmed', margin_words('incomplete_excision') ~ '[^,()#]*' ~ hepatic) }} then 'incomplete excision'
            when {{ crlm_regexp_matches('affirmed', hepatic ~ ' ?(?:[(][^)]*[)])?[^:,]{0,60}: ?(?:(?:invasive|metastatic|viable|residual|moderately|poorly|well|differentiated|focal|focally|mucinous) )*(?:adeno)?carcinoma') }} and statement not like '%#%' then 'margin involved'
            when {{ crlm_regexp_matches('affirmed', hepatic ~ ' (?:is |lies |directly |seen |present |identified )*on (?:the )?' ~ tumor) }} then 'tumour at the margin'
            when {{ crlm_regexp_matches('affirmed', tumor ~ '\\b[^,()#]*\\btransected|\\btransected[^,()#]*' ~ tumor) }} then 'tumour transected'
            when {{ crlm_regexp_matches('affirmed', hepatic ~ '[^,()#]*\\b(?:(?:pass|cut|run|go)(?:es|s)? (?:directly )?through|travers\\w+)\\b[^,()#]*' ~ tumor) }} then 'tumour transected'
            when {{ crlm_regexp_matches('affirmed', involve ~ '\\b[^,()#]{0,40}' ~ hepatic) }}
                and not ({{ crlm_regexp_matches('statement', margin_words('not_tumor_subject') ~ '[^()#]*' ~ involve ~ '\\b[^,()#]{0,40}' ~ hepatic) }} and not {{ crlm_regexp_matches('affirmed', 'viable|carcinoma|adenoca|cells|malignan|cancer') }})
                and not {{ crlm_regexp_matches('affirmed', margin_words('not_tumor_subject') ~ '[^,()#]*' ~ involve ~ '\\b[^,()#]{0,40}' ~ hepatic) }}
                and ({{ crlm_regexp_matches('statement', tumor) }} or {{ crlm_regexp_matches('statement', '\\b(?:involv|transect|abut)') }} and not {{ crlm_regexp_matches('statement', margin_words('not_tumor_subject')) }}) then 'tumour reaches the margin'
            when {{ crlm_regexp_matches('affirmed', '(?:' ~ tumor ~ '|cells?|present|seen|identified|found|noted)\\b[^,()#@]*\\b' ~ present ~ ' (?:[a-z/-]+ ){0,4}' ~ hepatic) }}
                and {{ crlm_regexp_matches('statement', tumor ~ '|cells') }}
                and not {{ crlm_regexp_matches('statement', '\\b(?:surround|separat|interven|cover|remain)') }} then 'tumour at the margin'
            when {{ crlm_regexp_matches('affirmed', tumor ~ '[^()@#]*, (?:and |which |it )?(?:lies?|is|are|sits?)(?: [a-z]+){0,3} (?:at|on|in) (?:[a-z/-]+ ){0,4}' ~ hepatic) }}
                and not {{ crlm_regexp_matches('statement', '@(?:parenchymal|margin)[^@]*@') }} then 'tumour at the margin'
            when {{ crlm_regexp_matches('affirmed', hepatic ~ '[^,()#]*\\b(?:positive|involved|involvement|infiltrated|invaded|breached|r1)\\b') }}
                or {{ crlm_regexp_matches('affirmed', '\\b(?:positive|involved) (?:[a-z]+ ){0,2}' ~ hepatic) }} then 'margin involved'
            when {{ crlm_regexp_matches('statement', hepatic) }}
                and {{ crlm_regexp_matches('affirmed', '(?:^|[,():])\\W*(?:(?:is|are|was|were|focally|microscopically|status|multifocally|deep|medial|lateral|superior|inferior|anterior|posterior|cranial|caudal|left|right) )*(?:positive|involved)\\b|' ~ hepatic ~ '.*' ~ tumor ~ '(?: cells)? (?:is |are )?(?:present|seen|identified) ?(?:$|[,.)])|' ~ hepatic ~ '[^,()#]*\\b(?:shows?|with|contains?|has|have|demonstrates?) (?:[a-z]+ ){0,3}' ~ cancer ~ '(?:[^a-z# ]|$| [a-z(])') }}
                then 'margin involved'
        end as involvement_rule
    from without_negated_parts
),

ruled as (
    select
        *,
        case
            when {{ crlm_regexp_matches('statement', margin_words('open_question')) }} then 'question left open'
            when {{ crlm_regexp_matches('statement', '\\br1uk\\b') }} then 'R1 by the definition of less than 1 mm'
            when says_no_viable_tumor then 'no viable tumour'
            when is_about_hepatic_margin and is_uncertain then 'margin not assessable'
            when involvement_rule is not null and is_uncertain then 'margin not assessable'
            when involvement_rule is not null and involvement_rule <> 'R1' and {{ crlm_regexp_matches('affirmed', margin_words('not_tumor_subject') ~ '[^,()#]*' ~ hepatic) }}
                and not {{ crlm_regexp_matches('affirmed', 'viable|carcinoma|adenoca|cells|glands|malignan|involved') }} then 'statement not understood'
            when involvement_rule is not null then involvement_rule
            when is_about_hepatic_margin and {{ crlm_regexp_matches('affirmed', '(?:^|[,()])[^,()#]*\\b(?:present|seen|identified|found|lies?|sits?) (?:[a-z]+ ){0,2}(?:at|on) (?:[a-z/-]+ ){0,4}' ~ hepatic) }}
                and not {{ crlm_regexp_matches('affirmed', margin_words('not_tumor_subject') ~ '|normal|benign|artef|artif|\\bink\\b|staple|duct|vessel|hepatocyt|liver|clip|suture') }} then 'statement not understood'
            -- something reaches the margin, but not by words for tumour
            when is_about_hepatic_margin and {{ crlm_regexp_matches('affirmed', involve ~ '\\b[^,()#]{0,40}' ~ hepatic) }}
                and not {{ crlm_regexp_matches('affirmed', margin_words('not_tumor_subject') ~ '[^,()#]*' ~ involve) }} then 'statement not understood'
            when is_about_hepatic_margin and is_not_stated and not {{ crlm_regexp_matches('statement', '\\b(?:free|negative|clear|uninvolved|r0)\\b') }} then 'margin not stated'
            when (is_about_hepatic_margin and is_negated) or {{ crlm_regexp_matches('statement', '\\br0\\b') }} then 'margin negative'
            when is_about_hepatic_margin and statement not like '%#%' and {{ crlm_regexp_matches('affirmed', hepatic) }}
                and {{ crlm_regexp_matches('affirmed', '\\b' ~ tumor ~ '\\b') }}
                and not {{ crlm_regexp_matches('affirmed', '\\b(?:distance|closest|nearest|clearance|specify|free|wide|excised|resected|removed|specimen|:)') }} then 'statement not understood'
            when is_about_hepatic_margin and statement not like '%#%' then 'margin not stated'
            -- involvement of a duct or a vessel by its bare name: its margin or its wall?
            when {{ crlm_regexp_matches('affirmed', '~(?:bile_duct|vascular)[ ,:-]{1,4}(?:is |are )?(?:positive|involved)') }} then 'statement not understood'
            when not names_hepatic_margin and {{ crlm_regexp_matches('affirmed', margin_words('incomplete_excision')) }} then 'statement not understood'
            when not names_hepatic_margin and {{ crlm_regexp_matches('affirmed', '(?:' ~ tumor ~ '|\\bit)\\b[^,()#@~]{0,60}\\b(?:(?:reach|touch|abut|breach)(?:es|ed|ing)?|flush with|cut (?:through|across))\\b') }}
                and not {{ crlm_regexp_matches('statement', 'diaphragm|gall|vein|vessel|portal|capsul|duct|stomach|colon|kidney|adrenal|seros|peritone|muscle|fat\\b|hil[aou]|ligament|other lesion|scar|~') }} then 'statement not understood'
            when not names_hepatic_margin and says_no_tumor then 'no tumour in the specimen'
            when not names_hepatic_margin and {{ crlm_regexp_matches('affirmed', 'metastatic|metastas[ei]s|carcinoma') }} then 'tumour in the specimen'
        end as rule
    from read
)

-- clauses that say nothing are kept too: they need not be read again
select
    statements.clause_text,
    case when rule not in ('no tumour in the specimen', 'tumour in the specimen') then ruled.own_lesion_label end as lesion_label,
    case
        when rule is null then null
        when rule = 'no viable tumour' then 'no viable tumour'
        when rule = 'margin not assessable' then 'not assessable'
        when rule = 'margin not stated' then 'not stated'
        when rule = 'statement not understood' then 'not understood'
        when rule = 'question left open' then 'question'
        when rule = 'R1 by the definition of less than 1 mm' then 'within 1 mm'
        when rule = 'margin negative' then 'negative'
        when rule = 'no tumour in the specimen' then 'no tumour'
        when rule = 'tumour in the specimen' then 'tumour'
        else 'involved'
    end as margin_status,
    coalesce({{ crlm_regexp_extract('ruled.affirmed', hepatic | replace('(?:', '(')  , 1) }}, {{ crlm_regexp_extract('ruled.statement', hepatic | replace('(?:', '('), 1) }}, 'margin') as margin_type,
    rule,
    '{{ margin_rules_version() }}' as rules_version
from statements
left join ruled on statements.clause_text = ruled.clause_text
-- depends_on: {{ ref('margin_lexicon') }}
