-- What the nights that were published left behind, so that the next one can be compared with them. Never a refused night's.
CREATE SCHEMA IF NOT EXISTS quality;

-- the runs whose records are part of an accepted state of the warehouse
CREATE TABLE IF NOT EXISTS quality.accepted_runs (run_id VARCHAR, accepted_at TIMESTAMP);

-- the counts of tonight, and those of every accepted night: `value` is what was counted where a field has several, `told` how it looks;
-- the reference is what it is compared with where that is not the last accepted night's count
CREATE TABLE IF NOT EXISTS quality.night_profile (
    stage VARCHAR, measure VARCHAR, hospital VARCHAR, feed VARCHAR, field VARCHAR, value VARCHAR,
    n DOUBLE, denominator DOUBLE, n_reference DOUBLE, denominator_reference DOUBLE, told VARCHAR
);
CREATE TABLE IF NOT EXISTS quality.night_history (
    night BIGINT, run_id VARCHAR, accepted_at TIMESTAMP,
    stage VARCHAR, measure VARCHAR, hospital VARCHAR, feed VARCHAR, field VARCHAR, value VARCHAR,
    n DOUBLE, denominator DOUBLE, n_reference DOUBLE, denominator_reference DOUBLE, told VARCHAR
);

-- the landed files that the last accepted night knew, and whether they were there
CREATE TABLE IF NOT EXISTS quality.accepted_files (hospital VARCHAR, feed VARCHAR, source_file VARCHAR, is_there BOOLEAN);

-- the files in the landing folder tonight
CREATE TABLE IF NOT EXISTS quality.night_files (hospital VARCHAR, feed VARCHAR, source_file VARCHAR);

-- changes that a person said are right, for one night each
CREATE TABLE IF NOT EXISTS quality.accepted_changes (
    change VARCHAR, reason VARCHAR, accepted_by VARCHAR, run_id VARCHAR, accepted_at TIMESTAMP,
    n_checks BIGINT, what_changed VARCHAR
);
