{{ config(materialized='view') }}
-- Every version of every record of patients as numbers: of the record, of the report it is about, and of the version itself.
-- What an earlier contract read from the same file is not in force any more; it still tells with whom a patient shares a record: one
-- whose reading of it is out of force from tonight on may leave it to the other.
{% for feed in keys_of_feeds() %}
select
    source_system,
    {% if feed in feeds_of_answers() %}cast(null as varchar){% else %}mrn{% endif %} as mrn,
    {% if feed in feeds_of_answers() %}study_id{% else %}cast(null as varchar){% endif %} as told_study_id,
    {{ record_number_of(feed) }} as record_number,
    {% if feed == 'pathology_messages' %}{{ crlm_hash(['source_system', 'accession_number']) }}{% else %}cast(null as ubigint){% endif %} as report_number,
    {{ crlm_hash(["'" ~ feed ~ "'", 'record_id', 'record_hash', 'loaded_at']) }} as version_number,
    superseded_by is null as is_in_force
from {{ source('raw', feed) }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
