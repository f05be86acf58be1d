-- Every statement with the kind of evidence that it is: what its clause says of itself counts first ('frozen section: ...'); what
-- stands above an amendment is the original report; else it is of the section it was sent in.
with amendments as (
    select text_hash, max(clause_number) as last_amendment
    from {{ ref('margin_statements') }}
    where list_contains(marks, 'amendment')
    group by text_hash
),

statements as (
    select
        texts.text_id,
        texts.accession_number,
        texts.record_id,
        texts.section,
        texts.specimen,
        statements.* exclude (rules_version, read_in_run, text_hash),
        coalesce(nullif(upper(regexp_extract(statements.part_label, '([a-z0-9]+)\W*$', 1)), ''), texts.specimen) as specimen_key,
        -- 'specimen' of 'Specimen B', nothing of 'B.'
        regexp_extract(statements.part_label, '^([a-z]+) ', 1) as specimen_word,
        statements.clause_number < amendments.last_amendment as is_above_amendment
    from {{ ref('margin_texts') }} as texts
    inner join {{ ref('margin_statements') }} as statements on texts.text_hash = statements.text_hash
    left join amendments on texts.text_hash = amendments.text_hash
    where statements.clause_number is not null
)

select
    * exclude (section_named, clause_section, is_above_amendment),
    case
        when clause_section is not null then clause_section
        when section not in ('intraoperative', 'gross') and is_above_amendment and coalesce(section_named, 'permanent') = 'permanent'
            then 'original'
        when section_named = 'amended' then 'permanent'
        when section in ('intraoperative', 'gross') then section
        when section_named is not null then section_named
        else 'permanent'
    end as evidence_kind
from statements
