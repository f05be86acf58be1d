{#- A clause in lower case with one spelling for each thing that the rules look for:
    distances  ⟦comparator|number|unit⟧ (the lower bound of a range),
    margins    @type (with a margin word), ~type (the bare name of a margin: 'parenchymal 3 mm, hepatic vein 1 mm').
    Word lists: seeds margin_number_words, margin_comparators, margin_names. -#}
{% macro normalised_characters(text) %}
{%- set unusual = '[?]|query|clearance|[(] ?[x✓✔]? ?[)]|·|should |[&–—−‑µμ’‘´`≤≥＜⩽⩾=_\\[\u00a0]|  |\\s\\s|[+-] ?ve\\b|tumou?r[ -]free|free-of|because of|due to|owing|account|not |\\((?:was|version|v1|original|previous|initial|before)|supersedes|replaces|pr[012]|\\br1\\b|r ?=|\\bnos?[.] ?\\d|\\bpos\\b|sub-?milli|between|nearly|almost|short of|close to|but |(?:mm|cm) ?[:=]|rather than|instead of|\\+ for|[ -](?:regression|grade|necrosis|budding|bed|infiltrating|marker|response)|measur|re-?excis|(?:es|ts|ches|s) (?:it|this)\\b|complete|fraction|however|range|(?:first|original|previous|earlier) report|(?:and|but) (?:[a-z]+ )?(?:involved|positive)|(?:zero|nil) [a-z]+ ?clear|touch it|contact with|(?:on|at|to|with|ing) (?:it|this)\\b|replacing|superseding|(?:zero|0)[ -]m|no (?:nearer|closer|margin|clearance|surgical|free)|-to-|omitted|missing|left out|despite|in spite|notwith|ed, ?[a-z]|distance of|(?:was|were|been) (?:[a-z]+ )?(?:reported|recorded|given|stated|quoted|listed|entered) as|(?:corrected|changed|revised|amended|updated) to|' ~ margin_words('quoted_earlier') -%}
{{ return('case when ' ~ crlm_regexp_matches(text, unusual) ~ ' then ' ~ crlm_replace_in_turn(text, [
    ['&lt;?', '<'], ['&gt;?', '>'], ['[–—−‑]', '-'], ['[µμ]', 'u'], ['[’‘´`]', '’'], ['≤|＜=|< ?=|= ?<|⩽', '<='], ['≥|> ?=|= ?>|⩾', '>='],
    ['[\\s\u00a0_]+', ' '],
    ['\\bnos?[.] ?(\\d)', 'number \\1'], ['\\b(reaches|abuts|touches|involves|contacts|infiltrates|invades|breaches) (?:it|this)\\b', '\\1 the margin'],
    ['in (?:direct |close )?contact with (?:it|this)\\b', 'touches the margin'], ['\\b(is|are|lies|lie|sits) (?:directly |right |immediately |focally |present |seen |found |identified )*(?:on|at) it\\b', '\\1 at the margin'], ['\\b(reaching|abutting|touching|involving|contacting|infiltrating|invading|extend(?:s|ing) (?:up )?to|flush with|contiguous with) (?:it|this)\\b', '\\1 the margin'], ['near(?:ly)?[ -]complete|almost complete', 'partial'], ['(?:an? )?fraction of (?:an?|one) millimet(?:re|er)', '<1 mm'], ['(?:zero|0)[ -](?:millimet(?:re|er)|mm) (?:definition|rule|criterion)', ' '],
    ['\\b(?:no|not) (?:nearer|closer) than\\b', 'distance at least'], ['^\\W*no (?:surgical |free )?(?:margin|clearance) ?:', ' '], ['(?:ink|margin)-to-tumou?r|tumou?r-to-(?:ink|margin)', 'margin distance'],
    ['(inked|painted|cauteri[sz]ed|stapled|diathermied), ?(inked|painted|cauteri[sz]ed|stapled|diathermied|deep|hepatic|parenchymal)', '\\1 \\2'],
    ['[,;(] ?[?] ?(?:involved|positive|clear|free|at|tumou?r)|\\bquery (?:involve|positive|tumou?r)', ' cannot be assessed '], ['[?] ?(?:see|cannot|unclear|not (?:certain|clear|sure)|uncertain|unknown)\\b|[?]\\W*$', ' cannot be assessed '], ['[?] (?:no|yes) ?[-:] ', ': '],
    ['((?:bile duct|vascular|vein|venous|portal|capsul[a-z]+|bowel|colon[a-z]*|distal|proximal|radial)[^;.]{0,60})\\bclearance', '\\1distance'], [', however,?', ' '], ['\\bmeasured range\\b', 'distance'], ['[(][^()]*(?:first|original|previous|earlier) report[^()]*[)]', ' '],
    ['\\b(?:and|but) (?:is |are |was |were )?(involved|positive)\\b', ', \\1'],
    ['\\(submitted because [^)]*\\)|\\((?:sent|taken|submitted) [^)]*\\)', ' '],
    ['(?:<|less than|below|under|short of) ?1 ?(?:mm|millimet(?:re|er))[^;0-9]{0,60}(?:counts?|class(?:ed|ify|ified)?|called|designated|regarded|reported|termed|labell?ed|considered|coded)(?: this| it)?(?: as)? r1\\b', 'r1uk'],
    ['(?:there (?:is|was) )?\\b(?:no|zero|nil) (?:[a-z]+ )?clearance (?:at|from|to|between)', 'tumor involves'],
    ['(?:tumou?r[ -])?(?:free|clear|negative) margins? ?: ?no\\b', 'margin involved by tumor'],
    ['^\\W*r0 ?\\[ ?x ?\\] *r1 ?\\[ ?\\] *r[2x] ?\\[ ?\\]', 'r0, '], ['^\\W*r0 ?\\[ ?\\] *r1 ?\\[ ?x ?\\] *r[2x] ?\\[ ?\\]', 'r1, '],
    ['\\b(?:glands|cells|tumou?rs|nests|buds) (?:touch|reach|abut|involve) it\\b', 'tumor involves the margin'],
    [',? (?:replacing|superseding) (?:the )?[0-9][0-9.,]* ?(?:mm|cm)[^,;]*', ' '],
    ['(?:rcpath|royal college|\\buk\\b|british|convention|criteri\\w+|definition|\\b(?:1|one)[ -](?:mm|millimet\\w+) (?:rule|criteri\\w+|definition|cut-?off)|guidance)[^;]{0,60}\\br1\\b', 'r1uk'], ['\\br1\\b[^;]{0,60}(?:rcpath|royal college|\\buk\\b|british|convention|criteri\\w+|definition|\\b(?:1|one)[ -](?:mm|millimet\\w+) (?:rule|criteri\\w+|definition|cut-?off)|guidance)', 'r1uk'],
    [',? ?(?:which (?:was|is) |that was )?(?:omitted|missing|absent|left out|not (?:given|stated|included|recorded|reported|mentioned)) (?:from|in) (?:the )?(?:original|first|initial|earlier|previous|main)[a-z ]*(?: ?[(][^)]*[)])?,?', ' '],
    ['(?:despite|in spite of|notwithstanding) [^,;]*(?:gross|macroscop)\\w*', ' '], ['[?] ', ': '], ['([0-9])·([0-9])', '\\1.\\2'],
    ['(?:' ~ margin_words('quoted_earlier') ~ ') (?:only )?(?:as )?(?:involved|positive|clear|negative|free|uninvolved) ((?:is|was|has|measures) )', ' \\1'],
    [', (?:' ~ margin_words('quoted_earlier') ~ ')[^,]*, ((?:is|was|now|has|measures|reads) )', ' \\1'],
    ['(?:reported|stated|given|recorded|quoted) as [^,;]* should (?:read|be)', ' '],
    ['(?:(?:of|as|is|was) )?[<>]?[0-9][0-9.,]* ?(?:mm|cm|um|microns?|millimet\\w+|centimet\\w+)?["”“’\\x27)]* (?:[a-z]+ ){0,4}(?:should (?:instead |now |in fact )?(?:read|be|say|have (?:read|been))|(?:corrected|changed|revised|amended|updated) to)', ' '],
    ['((?:corrected|changed|revised|amended|updated) to [0-9.,]+ ?(?:mm|cm)) from [0-9.,]+ ?(?:mm|cm)', '\\1'],
    ['(?:margin )?["”“’\\x27]?(?:margins? )?(?:negative|positive|(?:un)?involved|clear|free)[^.;"”“’\\x27]{0,30}["”“’\\x27] (?:please )?should (?:instead |now )?(?:read|be|say)', ' '],
    ['\\br1\\b[^;#]{0,60}(?:rcpath|\\buk\\b|british|royal college|defin\\w+|criteri\\w+|\\brule\\b|guid\\w+|classif\\w+|convention\\w*|protocol)[^;0-9]{0,60}(?:<|less than|below|under|within|closer than) ?1(?:[.]0)? ?(?:mm|millimet(?:re|er))', 'r1uk'],
    ['\\br1\\b[^;0-9]{0,60}(?:<|less than|below|under|within|closer than) ?1(?:[.]0)? ?(?:mm|millimet(?:re|er))[^;,0-9]{0,40}(?:rcpath|\\buk\\b|british|royal college|definition|criteri\\w+|\\brule\\b|guid\\w+|convention\\w*)', 'r1uk'],
    ['\\br1\\b[^;0-9]{0,30}(?:<|less than|below|under|within|closer than) ?1(?:[.]0)? ?(?:mm|millimet(?:re|er))', 'r1uk'],
    ['(?:was|were|had been) (?:originally |previously |initially )?(?:reported|recorded|given|stated|quoted|listed|entered) as (?:[a-z]+ )?[<>]?[0-9][0-9.,]* ?(?:mm|cm|um)', ' '],
    ['tumou?r[ -](regression|grade|necrosis|budding|bed|infiltrating|marker|response)', '\\1'],
    ['\\bmeasured (distance|clearance|width|margin)', '\\1'], ['\\b(distance|clearance|margin|gap|rim) (?:measures|measuring|measured) at (least|most)', '\\1 is at \\2'], ['\\b(distance|clearance|margin|gap|rim) (?:measures|measuring|measured)(?: at)?\\b', '\\1 is'], ['\\+ for\\b', 'positive for'],
    ['(re-?excision of (?:the )?)(?:previously |initially )?(?:positive|involved) ', '\\1'],
    ['\\b(?:because of|due to|owing to|on account of)\\b', 'because'],
    ['\\bnot (?:entirely |completely |totally )?(?:free|clear|negative|devoid)(?: (?:of|from|for) (?:tumou?r|carcinoma|malignancy|disease))?', 'involved by tumor'],
    ['\\bnot (?:un|non-?)involved', 'involved'], ['\\bnot (?:involved|invaded|infiltrated|breached|reached|affected)\\b', 'uninvolved'],
    ['\\((?:was|version 1|v1|original(?:ly)?|previous(?:ly)?|initial(?:ly)?|before|formerly|earlier|prior|old)\\b[^)]*\\)', ' '], ['(?:supersedes|replaces) [^:,.]*', ' '], ['\\b(?:y?p)r([012])\\b', 'r\\1'], ['\\br ?= ?([012])\\b', 'r\\1'], ['\\bpos\\b', 'positive'],
    ['no (?:[a-z]+ ){0,3}(?:tissue|parenchyma|liver)(?: [a-z]+){0,3} between (?:the )?(?:tumou?r|carcinoma|lesion|metastas[ei]s|deposit|nodule|it)s? and', 'tumor involves'],
    [',? but (?:does |do |did )?not (?:go )?(?:through|beyond|past|across)[^,]*,?', ' '],
    ['(?:nearly|almost|not quite|just short of|close to) (?:touch|abut|reach)(?:ing|es|s)?', 'near'],
    ['sub-?millimet(?:ric|re|er)', '<1 mm'],
    ['\\b(margin|distance|clearance|width) (mm|cm) ?[:=] ?([0-9])', '\\1 (\\2): \\3'],
    ['(?:, ?| \\(| (?:and|but) | )(?:and )?(?:not|rather than|instead of) (?:the )?[0-9][0-9.,]* ?(?:mm|cm)\\b[^,;]*', ' '],
    ['\\+ ?ve\\b', 'positive'], ['(^|[^a-z])- ?ve\\b', '\\1negative'],
    ['[(\\[] ?[)\\]] ?[^(\\[]*', ' '], ['[(\\[] ?[x✓✔] ?[)\\]]', ' '],
    ['\\(?(?:' ~ margin_words('quoted_earlier') ~ ')[^)]*? to ', ' '],
    ['\\(?' ~ margin_words('quoted_earlier') ~ '[^)]*\\)?', ' '],
    ['tumou?r[ -]free|free-of-tumou?r', 'clear'],
]) ~ ' else ' ~ text ~ ' end') }}
{% endmacro %}

{% macro normalised_number_words(text) %}
  {%- set replacements = [['-and-a-half\\b', ' and a half'], ['\\b(a|the) point (?:of )?', '\\1 place '], ['\\bpoint (zero|one|two|three|four|five|six|seven|eight|nine)\\b', 'pt \\1'], ['\\b(?:one|an?)[- ]tenth of (?:an?|one) (millimet|mm\\b|centimet|cm\\b)', '0.1 \\1'], ['\\b(?:one|an?)[- ]quarter of (?:an?|one) (millimet|mm\\b|centimet|cm\\b)', '0.25 \\1'], ['([a-z])-tenths', '\\1 tenths'], ['\\bthree[- ]quarters of (?:an?|one) (millimet|mm\\b|centimet|cm\\b)', '0.75 \\1'], ['\\b(?:one[- ])?half (?:of )?(?:an?|one) (?:single )?(millimet|mm\\b|centimet|cm\\b)', '0.5 \\1'], ['\\b(?:an?|one) (millimet|centimet|mm\\b|cm\\b|micro)', '1 \\1']] -%}
  {%- for row in margin_seed_rows('margin_number_words', ['words', 'value'], 'length(words) desc, words') -%}
    {%- do replacements.append(['\\b' ~ row[0] ~ '\\b', row[1] | string]) -%}
  {%- endfor -%}
  {%- do replacements.extend([['\\b([2-9])0[- ]([1-9])( ?-?(?:mm|cm|millim|centim|micro))', '\\1\\2\\3'], ['\\b(\\d{1,2}) and (?:an? )?0\\.(2?5)', '\\1.\\2'], ['\\b(\\d) hundred\\b', '\\100'], ['\\b(\\d{1,2}) (?:point|pt) (\\d)\\b', '\\1.\\2'], ['\\bpt (\\d)\\b', '0.\\1'], ['(0[.]\\d+) of (?:an? |1 )(millimet|centimet|mm|cm)', '\\1 \\2'], ['\\b(\\d) tenths? (?:of )?(?:an? |1 )?', '0.\\1 ']]) -%}
  {%- set any_word = '\\bhundred|\\bsingle m|\\bpoint |\\btenths|\\b(?:an? m|an? c(?:m|entim)|half|one[- ]tenth|quarter)|\\b(?:lesion|nodule|metastasis|tumou?r|an?|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\\w+teen|twenty|thirty)[ -](?:(?:and|to|or)\\b|mm|cm|milli|centi|micro|one|two|three|four|five)' -%}
  {{ return('case when ' ~ crlm_regexp_matches(text, any_word) ~ ' then ' ~ crlm_replace_in_turn(text, replacements) ~ ' else ' ~ text ~ ' end') }}
{% endmacro %}

{% macro normalised_distances(text) %}
  {%- set number = '\\d+(?:\\.\\d+)?' -%}
  {%- set about = '(?:(?:approximately|approx\\.?|about|circa|ca\\.?|roughly|around|~|only|a mere|exactly|precisely|merely|some) ?)*' -%}
  {%- set replacements = [
    ['\\b(millimet(?:er|re)s?|mms|m\\.m\\.)', 'mm'], ['\\b(centimet(?:er|re)s?|cms|c\\.m\\.)', 'cm'],
    ['(\\d ?)(?:millimet(?:er|re)s?|mms)\\b', '\\1mm'], ['(\\d ?)(?:centimet(?:er|re)s?|cms)\\b', '\\1cm'],
    ['(?:microns?|micromet(?:er|re)s?|\\bmicra)\\b', 'um'],
    ['(\\d)[, ](\\d{3} ?um\\b)', '\\1\\2'], ['(: ?\\d+),(\\d{1,2})([^0-9,]|$)', '\\1.\\2\\3'], ['(\\d) ?(mm|cm) and an? 0?[.]5\\b', '\\1.5 \\2'], ['(\\d),(\\d{1,3} ?(?:mm|cm|um)\\b)', '\\1.\\2'], ['(\\d),(\\d{1,2} ?(?:-|to|x) ?\\d)', '\\1.\\2'],
    ['(^|[^\\d.])\\.(\\d)', '\\1 0.\\2'], [' {2,}', ' '],
    ['\\b[0-9.]+ [(]([0-9.]+)[)] ?(mm|cm)', '\\1 \\2'], ['\\b1 1/2', '1.5'], ['\\b1/2', '0.5'],
    ['\\b((?:lesion|metastas[ei]s|met|nodule|tumou?r|deposit|focus|specimen|segment|number) ?#?\\d{1,2}) by ', '\\1, by '],
    [number ~ ' ?(?:mm|cm)? ?(?:x|×|by) ?' ~ number ~ ' ?(?:mm|cm)?(?: ?(?:x|×|by) ?' ~ number ~ ')? ?(?:mm|cm)\\b', ' dimensions '],
    ['\\b((?:lesion|metastas[ei]s|met|nodule|tumou?r|deposit|dep|focus|mass|specimen|part|segment) ?#?(?:[a-h]|\\d{1,2})) ?- ', '\\1: '], ['((?:^\\W*|(?:by|per) (?:deposit|lesion|nodule|metastasis|specimen)(?: [(]mm[)])?: )[1-9]) - ([0-9])', '\\1: \\2'],
    ['\\bbetween (' ~ number ~ ') ?(?:mm|cm)? and (' ~ number ~ ')', '\\1-\\2'],
    ['(' ~ number ~ ') ?mm ?(?:-|to) ?(' ~ number ~ ') ?mm\\b', '\\1-\\2 mm'],
    ['(' ~ number ~ ') ?cm ?(?:-|to) ?(' ~ number ~ ') ?cm\\b', '\\1-\\2 cm'],
  ] -%}
  {#- 'margins of 1, 3, 4, 12 and 15 mm' -#}
  {%- for turn in range(6) -%}
    {%- do replacements.append(['((?:\\bof|\\bare|\\bwere|\\bis|\\blie|\\bmeasure|:|\\bby|\\bat|margins?|clearances?|distances?) (?:[0-9.]+ (?:mm|cm|um), )*)([0-9]+(?:[.][0-9]+)?)((?:, [0-9]+(?:[.][0-9]+)?)+,? (?:and|or) [0-9]+(?:[.][0-9]+)? ?(mm|cm|um)\\b)', '\\1\\2 \\4\\3']) -%}
  {%- endfor -%}
  {%- do replacements.extend([
    ['(^|[^0-9.,] ?)(' ~ number ~ '), (' ~ number ~ '),? (and|or) (' ~ number ~ ') ?(mm|cm)\\b', '\\1\\2 \\6, \\3 \\6 \\4 \\5 \\6'],
    ['(^|[^a-z0-9.])(' ~ number ~ ') (and|or) (' ~ number ~ ') ?(mm|cm|um)\\b', '\\1\\2 \\5 \\3 \\4 \\5'],
    ['\\b(?:to|comes|extends|extending|coming|approach\\w*|encroach\\w*) (?:focally )?(?:to )?within (?:a distance of )?' ~ about ~ '(' ~ number ~ ')', 'to \\1'],
    ['([0-9.]+)/([0-9.]+)/([0-9.]+) ?(mm|cm)\\b', '\\1 \\4, \\2 \\4 and \\3 \\4'], ['([0-9][0-9.]*)/([0-9][0-9.]*) ?(mm|cm)\\b', '\\1 \\3 and \\2 \\3'],
  ]) -%}
  {#- a list behind a unit: 'clearances in mm: 14, 6, 0.5' -#}
  {%- for turn in range(6) -%}
    {%- do replacements.append(['(\\b(?:in )?mm[)]?: (?:[0-9.]+ mm(?:, | and |; ))*)([0-9]+(?:[.][0-9]+)?)((?:, | and |; )[0-9])', '\\1\\2 mm\\3']) -%}
  {%- endfor -%}
  {%- do replacements.append(['(\\b(?:in )?mm[)]?: (?:[0-9.]+ mm(?:, | and |; ))+)([0-9]+(?:[.][0-9]+)?)(\\W*$)', '\\1\\2 mm\\3']) -%}
  {%- for row in margin_seed_rows('margin_comparators', ['step', 'comparator', 'pattern'], 'step, comparator') -%}
    {%- do replacements.append(['(?:\\b|^| )(?:' ~ row[2] ~ ') ?' ~ about ~ '(?:a |of )?(' ~ number ~ ')', ' ' ~ row[1] ~ '\\1']) -%}
  {%- endfor -%}
  {%- do replacements.extend([
    ['\\bno ((?:[a-z]+ ){1,4})within ' ~ about ~ '(' ~ number ~ ')', 'no \\1 >\\2'],
    ['\\bwithin ' ~ about ~ '(' ~ number ~ ')', '<=\\1'],
    ['(?:=|:)? ?(' ~ number ~ ') ?(mm|cm|um)? ?(?:\\+|or more\\b|or greater\\b|or wider\\b|and above\\b|or farther\\b) ?(mm|cm|um)?', ' >=\\1 \\2\\3 '],
    ['(' ~ number ~ ') ?(mm|cm|um) (?:or less|or closer|or smaller)\\b', '<=\\1 \\2'],
    ['([<>]=?) *([<>]=?)?', '\\1'],
    ['(<=?) *(' ~ number ~ ') *(mm|cm|um)?,? *(?:and|but) *(>=?) *(' ~ number ~ ') ?(mm|cm|um)\\b', ' \\4\\5 \\1\\2 \\6'],
    ['(>=?) *(' ~ number ~ ') *(?:mm|cm|um)?,? *(?:and|but|to)? *(<=?) *(' ~ number ~ ') ?(mm|cm|um)\\b', ' ⟦\\1|\\2|\\5|\\4|\\3⟧'],
    ['(' ~ number ~ ') ?(?:-|to) ?(' ~ number ~ ') ?-?(mm|cm|um)\\b\\.?', ' ⟦-|\\1|\\3|\\2|<=⟧'],
    ['([<>]=?)? ?(' ~ number ~ ') ?-?(mm|cm|um)\\b\\.?', ' ⟦\\1|\\2|\\3⟧'],
    ['\\b((?:clearance|distance)[^0-9⟦]{0,50} (?:is|was)) (?:zero|nil)\\b', '\\1 ⟦|0|mm⟧'],
    ['((?:distance|clearance|margin|edge|surface)[^:0-9]{0,50}: ?)(?:zero|nil|0)([,;)]|[.]? |[.]?$)', '\\1 ⟦|0|mm⟧\\2'],
    ['\\b(distance|clearance|margin|edge|ink)((?: (?:is|of|was))?[ :=-]+)(?:zero|nil|0)([,;)]|[.]? |[.]?$)', '\\1\\2 ⟦|0|mm⟧\\3'],
    ['((?:[(\\[](?:in )?|\\bin |, (?:in )?)(mm|cm|um)(?:[)\\]]?[:=\\s-]{0,4}(?:parenchymal|transection|hepatic|liver|closest|nearest)?[: ]{0,2}|[)\\]]? [a-z ]{1,50}: ?))([<>]=?)? ?(' ~ number ~ ')([^0-9.]|\\.?$)', '\\1 ⟦\\3|\\4|\\2⟧\\5'],
  ]) -%}
  {#- sizes in brackets behind the tumours -#}
  {%- do replacements.extend([
    ['((?:metastases|lesions|nodules|deposits|tumou?rs|foci|(?:adeno)?carcinoma)(?: [a-z-]+){0,3}) [(](?: ?⟦[^⟧]*⟧(?:,? and|,|;)){1,8} ?⟦[^⟧]*⟧ ?[)]', '\\1'],
  ]) -%}
  {{ return('case when ' ~ crlm_regexp_matches(text, '\\d\\+? ?-?(?:mm|cm|um|millim|centim|mic)|(?:distance|clearance|margin|edge|ink|surface)[^0-9]{0,50}[ :=-]+(?:zero|nil|0)|\\((?:in )?(?:mm|cm|um|micro|millim|centim)|(?:\\bin|,) (?:mm|cm|um|milli|centi|micro)') ~ ' then ' ~ crlm_replace_in_turn(text, replacements) ~ ' else ' ~ text ~ ' end') }}
{% endmacro %}

{% macro normalised_margin_names(text) %}
  {%- set replacements = [] -%}
  {%- set hint = 'slice|section|limit|safety|security|marg|mrg|margin|mgn|\\brm\\b|liver|parenchyma|rim|cuff|collar|strip|band|zone|edge|border|periphery|surface|raw area|cut end|ink|capsul|glisson|serosa|duct|biliary|vein|portal|venous|vascular|artery|caval|vena|parenchymal|transection|clearance|proximal|distal|radial|circumfer|mesenteric|crm|line|plane|stump' -%}
  {%- for kind, rows in margin_seed_rows('margin_names', ["step || case when is_margin_word then '@' else '~' end || margin_type", 'pattern'], 'step, is_margin_word desc, length(pattern) desc') | groupby(0) -%}
    {%- do replacements.append(['(^|[^@~a-z])(?:' ~ rows | map(attribute=1) | join('|') ~ ')($|[^a-z])', '\\1' ~ kind[1:] ~ '\\2']) -%}
  {%- endfor -%}
  {%- do replacements.extend([
    ['@(?:margin|parenchymal) of (?:the )?(?:left |right |middle |main |common )?~(vascular|bile_duct)\\b', '@\\1'],
    ['(between|from) (?:the )?@border (and|to) (?:the )?([@~])', '\\1 tumor \\2 the \\3'],
    ['[~@](vascular|bile_duct) (?:at|in) (?:its|the) @margin', '@\\1'], ['[~@](vascular|bile_duct)([^,;@]{0,30}) (?:at|in) its @margin', '@\\1\\2'],
    ['@margin,? ?[(]?(?:left |right |middle |main |common )?[~@](vascular|bile_duct|capsule|bowel|other_organ|parenchymal)\\b[)]?', '@\\1'],
    ['~parenchymal( ?(?:[(][^)]*[)])? ?[:=-]+ ?(?:is |focally |microscopically |not |un)*(?:involved|positive|negative|free|clear))', '@parenchymal\\1'],
  ]) -%}
  {{ return('case when ' ~ crlm_regexp_matches(text, hint) ~ ' then ' ~ crlm_replace_in_turn(text, replacements) ~ ' else ' ~ text ~ ' end') }}
{% endmacro %}

{#- 'lesion a:', 'the larger one', 'metastasis 2', 'nodule #3', 'second lesion' (distances are already in brackets, so no number of theirs fits) -#}
{% macro lesion_label_pattern() %}
{{ return('(?:specimens?|spec|part)[.․]? (?:[a-h]|[ivx]{1,4}|\\d{1,2})\\b|(?:lesion|metastas[ei]s|met|nodule|tumou?r|deposit|mass) (?:in|of|from) (?:the )?seg(?:ment)?s?[.]? ?(?:\\d|[ivx]{1,4})[ab]?(?:/\\d)?\\b|numbers? \\d+|(?:one|two|three|four|five|six|\\d) of (?:the |these )?(?:\\d|two|three|four|five|six|seven|eight|nine|ten)\\b|(?:first|second|third|fourth|fifth)[,:]|one (?:of|shows?|is|lies|deposit|lesion|nodule|metastasis|has|contains|was)|segments? (?:\\d|[ivx]{1,4})[ab]?(?:/\\d)?(?: (?:tumou?r|lesion|metastasis|nodule|deposit|wedge|specimen))?\\b|(?:anterior|posterior|lateral|medial|superior|inferior|cranial|caudal)(?: [a-z]+)? @(?:margin|parenchymal)|(?:lesion|metastas[ei]s|met|nodule|tumou?r|deposit|dep|focus|mass)s?[.․]? ?#? ?(?:no\\.? |number )?[(]?(?:[a-h]\\b|\\d{1,2}\\b|(?:one|two|three|four|five|i{1,3}|iv|v|vi{0,3})\\b)|' ~ margin_words('lesion_name')) }}
{% endmacro %}
