-- What a report says of each specimen that it gives a letter or a number: of which organ it is, by which word ('specimen B', 'B.'), and
-- whether it is an additional margin. The first heading that names an organ counts.
select
    text_id,
    accession_number,
    specimen_key,
    arg_min(part_organ, (clause_number, section, part_organ)) filter (where part_organ is not null) as specimen_organ,
    arg_min(specimen_word, (clause_number, section, part_organ)) filter (where part_organ is not null) as specimen_word,
    min(clause_number) filter (where part_organ is not null) as specimen_clause,
    bool_or(list_contains(marks, 'additional_part')) as is_specimen_additional
from {{ ref('statements_by_kind_of_evidence') }}
where specimen_key is not null and section <> 'gross'
group by text_id, accession_number, specimen_key
