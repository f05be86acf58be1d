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
    load_number BIGINT,         -- 1, 2, ... in the order of loading, whatever the clock says
    companions_hash VARCHAR,    -- of the other files that this one's references lead into; NULL where they lead into none
    -- 'loaded', or 'refused: <reason>' for a file that could not be read at all; also of a folder, whose name ends with a slash
    status VARCHAR,
    is_simulated BOOLEAN
);

-- the hash of each landed file as it was seen last, so that a file that nobody touched is not read again to find that out
CREATE TABLE IF NOT EXISTS raw.landed_file_hashes (
    name VARCHAR,           -- below the landing folder
    seen VARCHAR,           -- device, inode, size, times of writing and of change
    file_hash VARCHAR
);

-- what was loaded, but not as a reader of the account would think: content that no reader takes, keys of two patients
CREATE TABLE IF NOT EXISTS raw.load_notices (
    source_system VARCHAR, feed VARCHAR, system VARCHAR, source_file VARCHAR, source_line BIGINT,
    kind VARCHAR,           -- 'not read', 'key of two patients', 'warning': all was read, but somebody should look at it,
                            -- or 'bound': values that are no numbers but limits
    what VARCHAR,           -- the segment, type of resource or of attachment, status, or key columns
    n BIGINT, reason VARCHAR, value VARCHAR,
    file_hash VARCHAR, load_number BIGINT, run_id VARCHAR, noticed_at TIMESTAMP
);

-- what a source took back before it was sent here: applied when the record comes, if both say when and the record is not newer
CREATE TABLE IF NOT EXISTS raw.waiting_withdrawals (
    source_system VARCHAR, feed VARCHAR, system VARCHAR, source_file VARCHAR, source_line BIGINT, reference VARCHAR,
    updated_at VARCHAR, file_hash VARCHAR, contract_version VARCHAR, run_id VARCHAR, load_number BIGINT
);

CREATE TABLE IF NOT EXISTS raw.patient_identifiers (
    source_system VARCHAR, mrn VARCHAR, study_id VARCHAR
);

-- build files made before these columns
ALTER TABLE raw.rejected_records ADD COLUMN IF NOT EXISTS mrn VARCHAR;
ALTER TABLE raw.ingest_ledger ADD COLUMN IF NOT EXISTS system VARCHAR DEFAULT 'main';
ALTER TABLE raw.ingest_ledger ADD COLUMN IF NOT EXISTS rows_passed_over BIGINT DEFAULT 0;
ALTER TABLE raw.ingest_ledger ADD COLUMN IF NOT EXISTS load_number BIGINT DEFAULT 0;
ALTER TABLE raw.ingest_ledger ADD COLUMN IF NOT EXISTS companions_hash VARCHAR;

-- what a hospital's records cannot tell, as its hospital.yml says; made anew each night
CREATE TABLE IF NOT EXISTS raw.not_derivable_endpoints (
    source_system VARCHAR, endpoint VARCHAR, reason VARCHAR
);

-- Of this installation: which study-id key the build file was made with, and the secret that opaque names are made with.
CREATE SCHEMA IF NOT EXISTS restricted;
CREATE TABLE IF NOT EXISTS restricted.installation (key_fingerprint VARCHAR, opaque_secret VARCHAR);
CREATE OR REPLACE VIEW restricted.file_numbers AS
    SELECT source_system, source_file, row_number() OVER (ORDER BY min(loaded_at), source_system, source_file) AS file_number
    FROM raw.ingest_ledger GROUP BY source_system, source_file;
-- What is published in the place of a record's id (which holds its row number), several ids, a file's name, the keys of a row.
CREATE OR REPLACE VIEW restricted.secret AS SELECT coalesce(any_value(opaque_secret), '') AS secret FROM restricted.installation;
CREATE OR REPLACE MACRO restricted.opaque_name(secret, of_record) AS 'R' || left(sha256(secret || '|' || of_record), 16);
-- the secret is asked for by itself: a question that names the record is a join, which every scan of the table would make
CREATE OR REPLACE MACRO restricted.opaque_record(of_record) AS (
    restricted.opaque_name((SELECT secret FROM restricted.secret), of_record)
);
CREATE OR REPLACE MACRO restricted.opaque_records(of_records) AS (
    CASE WHEN of_records IS NOT NULL THEN array_to_string(list_transform(
        list_zip(
            string_split(of_records, ';'),
            list_resize(
                [(SELECT secret FROM restricted.secret)], len(string_split(of_records, ';')), (SELECT secret FROM restricted.secret)
            )
        ),
        lambda record_and_secret: restricted.opaque_name(record_and_secret[2], record_and_secret[1])
    ), ';') END
);
CREATE OR REPLACE MACRO restricted.opaque_file(of_system, of_file) AS (
    SELECT 'file ' || numbers.file_number FROM restricted.file_numbers AS numbers
    WHERE numbers.source_system IS NOT DISTINCT FROM of_system AND numbers.source_file = of_file
);
CREATE OR REPLACE MACRO restricted.opaque_keys(of_row) AS (
    SELECT string_agg(
        CASE WHEN regexp_full_match(parts.part, '([a-z_]+=)?[0-9a-f]{12}-[0-9]+')
            THEN regexp_extract(parts.part, '^([a-z_]+=)?', 0)
                || restricted.opaque_name(known.secret, regexp_extract(parts.part, '[0-9a-f]{12}-[0-9]+$', 0))
        ELSE parts.part END, ',' ORDER BY parts.part_number)
    FROM (SELECT unnest(string_split(of_row, ',')) AS part,
                 generate_subscripts(string_split(of_row, ','), 1) AS part_number) AS parts
    CROSS JOIN restricted.secret AS known
);

-- feeds of which something that was sent is not in, because a contract or a file was refused; made anew each night
CREATE TABLE IF NOT EXISTS raw.stale_feeds (
    source_system VARCHAR, feed VARCHAR, system VARCHAR,
    last_loaded_at TIMESTAMP,   -- when records of it were last taken in; they stay in force
    reason VARCHAR
);
