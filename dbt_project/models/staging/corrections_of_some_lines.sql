-- Words on a part that was reported before which send only what changed: some lines of text, or some observations. What they do not
-- speak of again stays in force.
with with_what_was_before as (
    select
        *,
        flatten(list(case when is_word then set_ids end) over earlier_of_part) as earlier_set_ids,
        flatten(list(case when is_word then codes end) over earlier_of_part) as earlier_codes
    from {{ ref('pathology_report_versions') }}
    window earlier_of_part as (
        partition by source_system, study_id, accession_number, report_part
        order by report_version rows between unbounded preceding and 1 preceding
    )
),

corrections as (
    select
        *,
        list_has_all(['A', 'C', 'D', 'W', 'X'], statuses) as has_corrected_lines_only
    from with_what_was_before
    where is_of_known_part and report_status in ('final', 'corrected') and list_has_any(['A', 'C', 'D', 'W', 'X'], statuses)
),

judged as (
    select
        study_id,
        record_id,
        case
            -- not the first lines, and not all of them: what is sent is what changed
            when len(set_ids) > 0 and len(earlier_set_ids) > 0
                and not list_has_all(set_ids, earlier_set_ids)
                and (
                    list_min(set_ids) > list_min(earlier_set_ids)
                    or list_max(set_ids) - list_min(set_ids) + 1 > len(list_distinct(set_ids))
                )
                then 'lines'
            -- only a few of the observations; a corrected report that is sent whole may lack one that it had
            when has_corrected_lines_only
                and not list_has_all(codes, earlier_codes)
                and 2 * len(codes) <= len(list_distinct(earlier_codes))
                then 'observations'
        end as corrects_only
    from corrections
)

select
    study_id,
    record_id,
    corrects_only
from judged
where corrects_only is not null
