-- The accounts that every raw table shares; the tables of the feeds themselves are made from canonical_feeds.yml.
CREATE SCHEMA IF NOT EXISTS raw;

CREATE TABLE IF NOT EXISTS raw.rejected_records (
    source_system VARCHAR, feed VARCHAR, source_file VARCHAR, source_line BIGINT,
    scope VARCHAR,          -- 'record': the record was not loaded; 'field': loaded, this field as missing
    mrn VARCHAR,            -- the patient, where the record's own MRN could be read
    field VARCHAR, value VARCHAR, reason VARCHAR, payload VARCHAR,
    file_hash VARCHAR, run_id VARCHAR, rejected_at TIMESTAMP
);

CREATE TABLE IF NOT EXISTS raw.ingest_ledger (
    source_system VARCHAR, feed VARCHAR, system VARCHAR, source_file VARCHAR, file_hash VARCHAR, size_bytes BIGINT,
    rows_read BIGINT, rows_loaded BIGINT, rows_rejected BIGINT, rows_duplicate BIGINT,
    rows_passed_over BIGINT,    -- rows of the file that belong to other contracts; not among the rows read
    fields_rejected BIGINT,
    contract_version VARCHAR, run_id VARCHAR, loaded_at TIMESTAMP,
    status VARCHAR,         -- 'loaded', or 'refused: <reason>' for a file that could not be read at all
    is_simulated BOOLEAN
);

CREATE TABLE IF NOT EXISTS raw.patient_identifiers (
    source_system VARCHAR, mrn VARCHAR, study_id VARCHAR
);

-- build files made before these columns
ALTER TABLE raw.rejected_records ADD COLUMN IF NOT EXISTS mrn VARCHAR;
ALTER TABLE raw.ingest_ledger ADD COLUMN IF NOT EXISTS system VARCHAR DEFAULT 'main';
ALTER TABLE raw.ingest_ledger ADD COLUMN IF NOT EXISTS rows_passed_over BIGINT DEFAULT 0;

-- what a hospital's records cannot tell, as its hospital.yml says; made anew each night
CREATE TABLE IF NOT EXISTS raw.not_derivable_endpoints (
    source_system VARCHAR, endpoint VARCHAR, reason VARCHAR
);
