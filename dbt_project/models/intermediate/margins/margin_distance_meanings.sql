{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false, on_schema_change='sync_all_columns', pre_hook=forget_other_rules()) }}
-- Every distance in a clause with the words left and right of it, and what it is a distance to: the target named after it
-- ('4 mm from the margin') before the label in front of it ('margin: 4 mm'). A length that is not to a margin gets no type.
-- Whether a margin was named in the clause before decides some of them, so both cases are kept (follows_margin); the type
-- 'previous' stands for that margin.
{% set target = '^[\\s()]*(?:\\([^)]*\\) ?)?((?:[a-z]+ ){0,3}?)(?:away |clear |distant |deep |short |distance )?(?:from|to|of|off|between|before|beneath|below|under|underneath|above|behind) ([a-z@~].*)$' %}
{% set direction = '(?:focally|deep|medial|lateral|superior|inferior|anterior|posterior|cranial|caudal|cephalad|left|right|proximal|distal|upper|lower|ventral|dorsal|surgical|hilar)' %}
{% set size_tail = '\\b' ~ margin_words('size_word') ~ '\\b' %}
{% set thing_tail = '\\b(?:(?:tumou?rs?|nodules?|mass|lesions?|metastas[ei]s|focus|deposits?)(?: (?:is|was|of))?[ ,(]*|(?:tumou?r|nodule|mass|lesion|metastasis|focus|deposit) ?: ?)$' %}
{% set things_apart = '\\bbetween (?:the )?(?:\\d |two |three |individual |both |adjacent |closest |nearest )*(?:deposits|lesions|nodules|metastases|tumou?rs|foci)\\b|satellite distance|distance (?:to|from) (?:the )?(?:nearest )?satellite|diaphragm\\w*(?: patch| muscle| edge)? ?:? ?$|\\bbetween (?:this|these|the)? ?[^@~]*(?:\\band\\b|:)[^@~]*$|(?:metastases|lesions|nodules|deposits|tumou?rs|foci),? (?:are |were |is )?(?:widely )?separated (?:from (?:each other|one another) )?by *$|over an? distance of *$|\\bdistance [a-z0-9] ?[-/] ?[a-z0-9]:? *$' %}
{% set distance_from = '\\bdistance (?:from|to) (?:(?:the|its|an?|any|inked|painted|stained|stapled|cauteri[sz]ed|nearest|closest|closer|nearer|larger|smaller|largest|smallest|main|first|second|edge|of|viable|residual|invasive|metastatic) )*' %}
with split_at_distances as (
    select *, string_split(clause_normalised, '⟦') as pieces
    from {{ ref('margin_clause_normalised') }}
    cross join (select false as follows_margin union all select true) as cases
    where clause_normalised like '%⟦%'
    {% if is_incremental() %}and clause_text not in (select clause_text from {{ this }}){% endif %}
),

distances as (
    select
        * exclude (pieces),
        unnest(list_slice(pieces, 2, len(pieces))) as piece,
        unnest(list_slice(pieces, 1, len(pieces) - 1)) as piece_before,
        generate_subscripts(list_slice(pieces, 2, len(pieces)), 1) as distance_number,
        len(pieces) - 1 as distances_in_clause
    from split_at_distances
),

marked as (
    select
        * exclude (piece, piece_before),
        string_split(split_part(piece, '⟧', 1), '|') as mark,
        split_part(piece, '⟧', 2) as right_text,
        case when distance_number = 1 then piece_before else split_part(piece_before, '⟧', 2) end as left_text
    from distances
),

-- comparator, number, unit; of a range or two bounds also the upper number and its comparator
measured as (
    select *, case mark[3] when 'cm' then 10 when 'um' then 0.001 else 1 end as mm_a_unit
    from marked
),

parsed as (
    select
        * exclude (mark, mm_a_unit),
        mark[1] as comparator,
        cast(mark[2] as double) * mm_a_unit as distance_mm,
        cast(mark[4] as double) * mm_a_unit - case mark[5] when '<' then {{ smallest_step_mm() }} else 0 end as up_to_mm
    from measured
),

described as (
    select
        *,
        case
            when {{ crlm_regexp_matches(crlm_regexp_extract('right_text', target, 1), '\\b(?:with|show|infil|invol|invad|inva|exten|reach|present|because|and|focal|wide|x|follow|review|after|confirm)') }} then null
            else {{ crlm_regexp_extract('right_text', target, 2) }}
        end as target_text,
        {{ crlm_regexp_extract('left_text', '^.*[@~]([a-z_]+)', 1) }} as left_type,
        {{ crlm_regexp_replace_all(
            "coalesce(" ~ crlm_regexp_extract('left_text', '^.*[@~][a-z_]+(.*)$', 1) ~ ", '')",
            '^ (?:of|in|for) (?:the |this )?(?:[a-z0-9]+ ){0,3}(?:specimen|wedge|resection|piece)\\b|^(?: of [^,#]{0,40}?)?,? ?(?:(?:is|was|which|that|it|microscopically|histologically|clear|negative|free|uninvolved),? )*measur(?:es|ed|ing)(?: at| as)?', ''
        ) }} as left_tail,
        {{ crlm_regexp_extract('right_text', '^[\\s-]*(?:(?:clear|negative|free|wide|minimum|closest|narrowest|nearest|smallest|shortest|being|is|was|the|surgical|resection|tumor|of|normal|uninvolved) )*[@~]([a-z_]+)|^, (?:the )?(?:[a-z]+ )?@(?:margin|parenchymal) (?:is|was|being) the (?:nearest|closest)', 1) }} as right_label_type,
        {{ crlm_regexp_matches('right_text', '^[\\s)]*(?:away|clear|distant)\\b') }} as says_away,
        {{ crlm_regexp_matches('clause_normalised', '\\brespectively\\b') }}
            and {{ crlm_regexp_matches('clause_normalised', '[@~](?:capsule|bile_duct|vascular|bowel|other_organ)') }}
            and {{ crlm_regexp_matches('clause_normalised', '[@~](?:parenchymal|margin)') }} as is_respectively_of_several,
        {{ crlm_regexp_matches('clause_normalised', '^\\W*(?:(?:it|this|should|read|reads|be|report|diagnosis|corrected|changed|revised|amended|to|now|correct|though|but|only|just|at|is|with|microscopically|histologically|microscopic|histological|of)[ :,]+)*⟦[^⟧]*⟧\\W*(?:microscopically|histologically|[(][^()@⟦]*[)])?\\W*$') }} as is_bare,
        {{ crlm_regexp_matches('left_text', '\\b(?:distance|closest|nearest|approach\\w*|width|minimum|minimal|narrowest|gap|close|measurement|correct (?:value|figure|measurement))\\b') }} as says_distance,
        {{ crlm_regexp_matches('left_text', '^[\\s,/]*(?:and|or)?[\\s,/]*(?:(?:microscopic(?:ally)?|histologic(?:ally)?) )?$|^ ?(?:in|for|at|from|of|on|by) [a-z0-9 /]{1,40},? (?:and|but|versus|vs) *$|^, (?:and )?(?:of|in|for|at) (?:the )?[a-z0-9 ]{0,30}(?:specimen|wedge|lesion|nodule|metastasis|deposit|one)(?: is| was|:)? *$|^ ?(?:in|for|at) (?:the )?(?:specimen|lesion|segment|nodule|metastasis|deposit|first|second|third)[^,;]{0,20}[,;] (?:and )?$|^[\\s,/]*(?:and|or)?[\\s,/]*(?:' ~ direction ~ '(?: margin)? )?$|^\\s*\\((?:' ~ direction ~ '|segment)[^)]*\\)[\\s,/]*(?:and|or)?[\\s,/]*$') }} as is_in_list,
        {{ crlm_regexp_matches('right_text', '^ *(?:,? ?and|,? ?or|/)+ *$') }} or ({{ crlm_regexp_matches('right_text', '^ *, *$') }} and {{ crlm_regexp_matches('clause_normalised', '⟧ *,? ?(?:and|or) *⟦') }}) as is_before_list,
        {{ crlm_regexp_matches('right_text', '^[ )]*(?:tumou?r|nodule|mass|metasta\\w*|lesion|front|breadth|in (?:greatest|maximum|largest|diameter|size|linear|extent|total|length|thickness)|linear|extent|diameter|thick|x |dimension|focus|area|segment|length|nest|of (?:tumou?r|carcinoma)|wide)') }}
            and not ({{ crlm_regexp_matches('left_text', '@margin(?: of| is| measuring| measures)? *$') }} and {{ crlm_regexp_matches('right_text', '^ ?(?:thick|wide)') }}) as is_size_on_right
    from parsed
),

typed as (
    select
        *,
        case when {{ crlm_regexp_matches('left_text', '\\bby *$') }}
            then {{ crlm_regexp_extract('right_text', '^ ?at (?:the )?[@~]([a-z_]+)', 1) }} end as cleared_by_type,
        {{ crlm_regexp_extract('target_text', '^[^,]*?[@~]([a-z_]+)', 1) }} as target_type,
        {{ crlm_regexp_matches("coalesce(target_text, 'tumor')", '^(?:the |a |an |any )?(?:nearest |closest |main |viable |invasive |metastatic |residual )*' ~ margin_words('tumor_word') ~ '\\b') }} as is_target_tumor,
        ({{ crlm_regexp_matches('left_text', size_tail ~ '[^,;]*$') }} and not (distance_number < distances_in_clause and {{ crlm_regexp_matches('left_text', ': *$') }}))
        or ({{ crlm_regexp_matches('left_text', '\\b' ~ margin_words('tumor_word') ~ '(?: of)?\\W*$') }} and not {{ crlm_regexp_matches('left_text', '(?:lesions|metastases|deposits|nodules|tumou?rs|foci) ?: *$') }})
        or {{ crlm_regexp_matches('left_text', '\\b' ~ margin_words('tumor_word') ~ '[^,]*\\( ?$|\\b' ~ margin_words('tumor_word') ~ '[^,#]{0,30}[(][^)]*[)],? *$') }}
        or {{ crlm_regexp_matches('left_text', '(?:' ~ lesion_label_pattern() ~ ') ?[(] ?$') }}
        or ({{ crlm_regexp_matches('left_text', '(?:' ~ lesion_label_pattern() ~ ') ?, ?$') }} and (distance_number < distances_in_clause or {{ crlm_regexp_matches('right_text', '^ ?:') }}))
        or (
            distance_number = 1 and distances_in_clause > 1 and {{ crlm_regexp_matches('left_text', lesion_label_pattern()) }}
            and {{ crlm_regexp_matches('right_text', '^\\W+$') }} and not {{ crlm_regexp_matches('left_text', '\\b(?:are|is|lie|lies|were|was) *$') }}
        ) as is_size,
        left_type is not null
            and (
                not {{ crlm_regexp_matches('left_tail', size_tail) }}
                or {{ crlm_regexp_matches('left_tail', '^,? ?[(]?(?:in|on) (?:slide|block|section)s? [a-z0-9]+[)]?,?(?: is| was|:)? *$') }}
                or {{ crlm_regexp_matches('left_tail', '^,? ?[(]?(?:' ~ lesion_label_pattern() ~ ')[)]?[ :,-]*$') }}
                or {{ crlm_regexp_matches('left_tail', '\\b(?:clear|free|negative)\\b[^,]*\\bby *$') }}
                or {{ crlm_regexp_matches('left_text', '(?:\\bdistance|@margin) (?:from|between|to)\\b[^#]*[@~][a-z_]+[^,#]*(?:is|was|:) *$') }}
                or {{ crlm_regexp_matches('left_text', '\\bdistance (?:from|between|of|to)\\b.*\\bmeasure[sd]\\b[^,]*$') }}
            )
            and (
                says_away
                or not {{ crlm_regexp_matches('left_tail', thing_tail) }}
                or {{ crlm_regexp_matches('left_tail', '(?:\\b(?:to|from|and|between|of|for|by)|-) ?(?:the |nearest |closest |viable |invasive |metastatic |residual |larger |smaller |largest |smallest |first |second |third |main |other |two |three |four |five |six |seven |all |\\d )*' ~ margin_words('tumor_word') ~ '(?: is| was| are)?[ ,(:]*$') }}
            ) as is_label_on_left,
        {{ crlm_regexp_matches('left_text', '^\\W*(?:(?:and|the) )*(?:(?:' ~ lesion_label_pattern() ~ ')(?:, seg(?:ment)?[.]? ?(?:\\d|[ivx]{1,4})[ab]?(?:/\\d)?)?|seg(?:ment)?[.]? ?(?:\\d|[ivx]{1,4})[ab]?(?:/\\d)?)(?: is| lies| at)?[\\s:,)-]*$') }} as is_lesion_on_left,
        (
                ({{ crlm_regexp_matches('right_text', '^\\W*$') }} and distance_number = distances_in_clause)
                or {{ crlm_regexp_matches('right_text', '^\\W*(?:(?:and|the) )*(?:' ~ lesion_label_pattern() ~ ')(?: is| lies| at)?[\\s:,)-]*$') }}
            ) as is_lesion_list_on_right
    from described
),

ruled as (
    select
        *,
        case
            when {{ crlm_regexp_matches('left_text', '(?:tenths?|quarters?|thirds?|halves|eighths?|hundredths?|fraction)(?: of)?(?: an?| 1)? *$') }} then 'unexplained distance'
            when distances_in_clause = 1 and {{ crlm_regexp_matches('clause_normalised', '\\b(?:separat|interven)') }} and {{ crlm_regexp_matches('clause_normalised', '@(?:margin|parenchymal)') }}
                and {{ crlm_regexp_matches('clause_normalised', '\\b' ~ margin_words('tumor_word') ~ '\\b') }} and not {{ crlm_regexp_matches('clause_normalised', '[@~](?:capsule|bowel|other_organ|vascular|bile_duct)|\\b(?:metastases|lesions|nodules|deposits) (?:are|were) separat') }} then 'tissue between tumour and margin'
            when {{ crlm_regexp_matches('left_text', '(?:' ~ lesion_label_pattern() ~ ') ?[(] ?$') }} and {{ crlm_regexp_matches('right_text', '^ ?[)]') }} and {{ crlm_regexp_matches('left_text', '@') }} then 'unexplained distance'
            -- a number without a unit before it that belongs to the same list
            when {{ crlm_regexp_matches('left_text', '(?:^|[^a-z0-9.])[0-9]+(?:[.][0-9]+)?(?:,| and|, and| or) *$') }}
                and not {{ crlm_regexp_matches('left_text', '(?:segments?|segs?|lesions?|metastas[ei]s|nodules?|numbers?|blocks?|slides?|slices?|specimens?|parts?|levels?|deposits?|tumou?rs?|dated|20)[.]? [^@#]{0,20}$') }} then 'unexplained distance'
            -- which of the distances is to which of the margins is not worked out
            when is_respectively_of_several then 'unexplained distance'
            when left_type is null and coalesce(is_target_tumor, false) and target_text is not null and {{ crlm_regexp_matches('left_text', '\\b' ~ margin_words('tumor_word') ~ '\\b') }} then 'not a margin distance'
            when distance_mm > {{ margin_setting('largest_plausible_margin_mm') }} or is_size_on_right then 'not a margin distance'
            when {{ crlm_regexp_matches('left_text', things_apart) }} or ({{ crlm_regexp_matches('right_text', '^ ?apart\\b') }} and not {{ crlm_regexp_matches('left_text', '[@~]') }}) then 'not a margin distance'
            when ((left_type is null and {{ crlm_regexp_matches('left_text', margin_words('not_tumor_subject')) }}) or {{ crlm_regexp_matches('left_text', margin_words('not_tumor_subject') ~ '[^,;:]*@[^@]*$') }}) and not {{ crlm_regexp_matches('left_text', '\\b' ~ margin_words('tumor_word') ~ '\\b') }} then 'not a margin distance'
            when {{ crlm_regexp_matches('left_text', margin_words('not_tumor_subject') ~ '[^,;:]*$') }} and not {{ crlm_regexp_matches(crlm_regexp_extract('left_text', '[^,;:]*$'), '\\b' ~ margin_words('tumor_word') ~ '\\b') }} then 'not a margin distance'
            -- 'the capsule is 0.5 mm from the tumour (not a surgical margin)'
            when {{ crlm_regexp_matches('left_text', '[@~](?:capsule|bowel|other_organ)[^@~]*$') }} and {{ crlm_regexp_matches('right_text', '^ ?(?:away )?from (?:the )?' ~ margin_words('tumor_word')) }} then 'not a margin distance'
            when target_type is not null then 'distance to a named margin'
            when cleared_by_type is not null then 'clear by a distance at the margin'
            when {{ crlm_regexp_matches('target_text', '^(?:it|this|that|them)\\b|^(?:the )?(?:nearer|closer|nearest|closest|larger|smaller)(?: one)? of (?:them|these)\\b') }} and (left_type is not null or follows_margin)
                then 'distance field after a margin field'
            when {{ crlm_regexp_matches('left_text', '\\b(?:comprising|containing|totalling|consisting of|includes?|including) *$') }} then 'not a margin distance'
            when ({{ crlm_regexp_matches('right_text', '^ ?of (?:[a-z]+ )?(?:liver|parenchyma|hepatocytes|hepatic (?:tissue|parenchyma)|tissue)\\b') }} or ({{ crlm_regexp_matches('left_text', '\\b(?:rim|cuff|collar|mantle|margin) of *$') }} and {{ crlm_regexp_matches('right_text', '^ ?(?:(?:normal|uninvolved|benign|healthy|clear) )*(?:liver|hepatic|parenchyma)') }})) and not is_size_on_right
                and not {{ crlm_regexp_matches('left_text', 'additional|further|another') }}
                and (follows_margin or {{ crlm_regexp_matches('clause_normalised', '[@~]') }}) then 'tissue between tumour and margin'
            when {{ crlm_regexp_matches('right_text', '^ ?of (?:[a-z]+ )?(?:liver|parenchyma|hepatocytes|tissue)\\b') }} and not is_size_on_right then 'unexplained distance'
            when right_label_type is not null and not (distance_number < distances_in_clause and {{ crlm_regexp_matches('right_text', '[@~][a-z_]+[ :=-]*$') }}) then 'distance before the margin word'
            when not is_target_tumor then 'not a margin distance'
            when {{ crlm_regexp_matches('left_text', '\\bdistance (?:from|to) (?:the )?[a-z]') }} and not {{ crlm_regexp_matches('left_text', distance_from ~ '(?:' ~ margin_words('tumor_word') ~ '|[@~]|it\\b|this|that|them|lesional)') }} then 'unexplained distance'
            when {{ crlm_regexp_matches('left_text', '^\\W*distance (?:from|to) (?:the )?(?:closest |nearest )?@margin ?: *$') }} then 'distance to the margin of the field above'
            when {{ crlm_regexp_matches('target_text', '^(?:the |an? )?(?:other|second|another|nearest other|main|larger|smaller|dominant|adjacent|neighbou?ring) (?:[a-z]+ )?' ~ margin_words('tumor_word')) }} and {{ crlm_regexp_matches('right_text', '^ ?(?:away )?from') }} and {{ crlm_regexp_matches('left_text', '\\b(?:and|is|lies|but) *$') }} and distance_number > 1 then 'unexplained distance'
            when is_label_on_left then 'margin label before the distance'
            when left_type is not null and {{ crlm_regexp_matches('left_text', '@[a-z_]+[^#]*\\b(?:nearest|closest) ' ~ margin_words('tumor_word') ~ '(?: is| was| at|:)? *$') }} then 'margin label before the distance'
            when left_type is null and (says_away or says_distance) and follows_margin
                and not {{ crlm_regexp_matches('left_text', size_tail ~ '[^,]*$') }} then 'distance field after a margin field'
            when left_type is null and {{ crlm_regexp_matches('left_text', '(?:^|[^a-z])(?:clear|clearance|clears|free|r0|uninvolved|negative|excised(?: completely)? (?:by|with))(?: (?:of (?:the )?)?(?:tumou?r|carcinoma|malignancy|this|it|that))?(?:[ ,(:=-]|by|at|with|of|but|just|only|widely|wide|closest|distance)*$') }} then 'clear by a distance'
            when left_type is null and follows_margin and {{ crlm_regexp_matches('left_text', '\\b(?:tumou?r|carcinoma|it|glands?|cells) (?:comes?|gets|approaches)(?: to)? *$') }} and {{ crlm_regexp_matches('right_text', '^\\W*$') }} then 'distance field after a margin field'
            when is_bare and follows_margin then 'distance field after a margin field'
            when left_type is null and says_distance and {{ crlm_regexp_matches('left_text', '\\b(?:closest|nearest) (?:approach|distance)') }} then 'closest approach'
            when left_type is null and target_text is null and {{ crlm_regexp_matches('right_text', '^[\\s)]*clear\\b(?:\\W|$)') }} then 'clear by a distance'
            when left_type is null and {{ crlm_regexp_matches('left_text', '^[^@]*\\b(?:distance|clearance)(?: is| was| of|:|,)* *$|^\\W*(?:minimum|minimal|smallest|shortest|closest|least) distance (?:on|in) [a-z0-9 ]{1,16}: *$') }} and not {{ crlm_regexp_matches('left_text', '\\b(?:between|from|to|over)\\b') }} then 'closest approach'
            when distance_number > 1 and {{ crlm_regexp_matches('left_text', '^[\\s,/)]*(?:(?:and|or|while|whereas) )?\\s*(?:' ~ lesion_label_pattern() ~ '|first|second|third|fourth|fifth)?[\\s)]*by *$') }} then 'list of clearances'
            when {{ crlm_regexp_matches('left_text', '(?:brings|reduces|narrows|reducing|bringing|narrowing) (?:this|it|the clearance|the @margin|the distance)? ?(?:down |back )?to *$') }} and (left_type is not null or follows_margin) then 'distance field after a margin field'
            when is_in_list and distance_number > 1 then 'list'
            when is_before_list and ({{ crlm_regexp_matches('clause_normalised', '\\brespectively\\b') }} or {{ crlm_regexp_matches('right_text', '^ and *$') }}) and not {{ crlm_regexp_matches('clause_normalised', '⟧ ?(?:across|wide|in (?:size|diameter))') }} and {{ crlm_regexp_matches('left_text', '(?:lesions|metastases|deposits|nodules|tumou?rs|foci|mets)(?: of [a-z -]+)?,? *$|: *$') }} then 'list of distances'
            when is_before_list and not (is_lesion_on_left and {{ crlm_regexp_matches('right_text', '^[ ,]*$') }} and not {{ crlm_regexp_matches('left_text', '\\b(?:are|lie|were) *$') }}) and not {{ crlm_regexp_matches('left_text', size_tail ~ '[^,:]*$|' ~ thing_tail) }} then 'list of distances'
            when is_lesion_on_left and is_lesion_list_on_right then 'list of lesions'
            when not is_size then 'unexplained distance'
            else 'not a margin distance'
        end as direct_rule
    from typed
),

direct as (
    select
        *,
        case direct_rule
            when 'distance to a named margin' then target_type
            when 'clear by a distance at the margin' then cleared_by_type
            when 'distance before the margin word' then right_label_type
            when 'margin label before the distance' then left_type
            when 'distance field after a margin field' then coalesce(left_type, 'previous')
            when 'closest approach' then 'margin'
            when 'distance to the margin of the field above' then 'margin'
            when 'clear by a distance' then 'margin'
            when 'tissue between tumour and margin' then 'margin'
            when 'not a margin distance' then 'none'
            when 'unexplained distance' then 'unexplained'
        end as direct_type
    from ruled
),

-- members of a list within the clause take the type of their list
inherited as (
    select
        *,
        case direct_rule
            when 'list of clearances' then last_value(nullif(direct_type, 'none') ignore nulls) over so_far
            when 'list' then coalesce(last_value(direct_type ignore nulls) over so_far, first_value(direct_type ignore nulls) over rest)
            when 'list of distances' then first_value(direct_type ignore nulls) over rest
            else direct_type
        end as margin_type
    from direct
    window
        so_far as (partition by clause_text, follows_margin order by distance_number rows between unbounded preceding and current row),
        rest as (partition by clause_text, follows_margin order by distance_number rows between current row and unbounded following)
)

select
    clause_text, follows_margin, own_lesion_label, distance_number,
    coalesce({{ crlm_regexp_extract('left_text', '^.*\\b(' ~ lesion_label_pattern() ~ ')', 1) }}, own_lesion_label) as lesion_label,
    comparator, distance_mm, up_to_mm, direct_rule as rule,
    -- a member of a list whose kind is not found is not forgotten
    case when direct_rule = 'list of lesions' then margin_type else coalesce(margin_type, 'unexplained') end as margin_type,
    is_lesion_on_left,
    coalesce({{ crlm_regexp_matches('left_text', '\\b(?:gross|macroscopic|naked[- ]eye|by eye)\\w*') }} or {{ crlm_regexp_matches('right_text', '^[ ,(]*(?:on|by|at|in)? ?(?:the )?(?:gross|macroscop|naked)') }}, false) as is_gross_distance,
    '{{ margin_rules_version() }}' as rules_version
from inherited
-- depends_on: {{ ref('margin_lexicon') }}
