-- Every piece of evidence of recurrence with the episode of disease it belongs to: an episode lasts until a treatment is known to
-- have eradicated all disease (salvage); evidence after that begins the next one.
with eradications as (
    select distinct study_id, no_evidence_date from {{ ref('salvage_treatments') }}
),

counted as (
    select
        evidence.study_id,
        evidence.evidence_date,
        evidence.site,
        evidence.record_id,
        evidence.evidence,
        count(eradications.no_evidence_date) as n_eradications_before
    from {{ ref('recurrence_evidence') }} as evidence
    left join eradications
        on evidence.study_id = eradications.study_id and eradications.no_evidence_date < evidence.evidence_date
    group by all
)

select
    study_id,
    evidence_date,
    site,
    record_id,
    evidence,
    -- a second salvage of the same disease begins no episode of its own
    cast(dense_rank() over (partition by study_id order by n_eradications_before) as integer) as episode_number
from counted
