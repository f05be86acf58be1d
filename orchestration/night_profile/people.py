"""Whether the feeds speak of the same people: who a message says it is of, one person under two MRNs, records sent again under a
new key, records of nobody who was operated on, events at impossible times."""

import duckdb

from orchestration.night_profile.records import NEW_RUNS, Feed, feeds
from orchestration.night_profile.shares import Share, write_shares

KEYS_OF_RECORDS = {
    "registry_record_id",
    "event_id",
    "treatment_id",
    "message_control_id",
    "order_number",
    "reported_datetime",
}
PEOPLE = {"mrn", "last_name", "first_name"}
# what differs from patient to patient beside the dates of birth and operation; a registry that tells hardly any of it cannot
# tell two people of one birthday apart
PECULIAR = ("primary_resection_date", "liver_metastasis_date", "metastasis_count", "largest_metastasis_cm", "cea_ng_ml")
LEAST_PECULIAR = 2
TEST_NAMES = r"^(test|testpatient|zz+|xx+|dummy|demo|sample|example|do ?not ?use|nobody|mustermann|doe)\b"
"""Last names that interfaces are tried with."""
DATED = {
    "follow_up": ["event_date"],
    "treatments": ["treatment_date"],
    "vital_status": ["last_contact_date", "death_date"],
}
DAYS_BETWEEN_OPERATION_AND_SPECIMEN = 3
HEARD_OF_BY = {"follow_up": "event_date", "vital_status": "last_contact_date", "pathology_messages": "collected_date"}
"""The feeds that tell of every patient in time, and the day that says how far their records reach."""
LONG_AGO_DAYS = 365
"""Who was operated on so long before the end of a feed's records should be in it."""


def stage_people(connection: duckdb.DuckDBPyConnection) -> None:
    """Temporary tables: registered (a row an MRN: names, birth, sex, first operation), operations, deaths (a row an MRN); as of
    tonight."""
    by_name = {feed.name: feed for feed in feeds()}
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE operations AS
            SELECT source_system AS hospital, mrn, TRY_CAST(operation_date AS DATE) AS operation_date, lower(last_name) AS last_name,
                   lower(first_name) AS first_name, birth_date, sex
            FROM ({by_name["registry"].latest()});
            CREATE OR REPLACE TEMP TABLE registered AS
            SELECT hospital, mrn, min(operation_date) AS first_operation, max(last_name) AS last_name, max(first_name) AS first_name,
                   max(birth_date) AS birth_date, max(sex) AS sex
            FROM operations GROUP BY ALL"""
    )
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE deaths AS
            SELECT source_system AS hospital, mrn, max(TRY_CAST(death_date AS DATE)) AS death_date
            FROM ({by_name["vital_status"].latest()}) WHERE vital_status = 'dead' AND death_date IS NOT NULL GROUP BY ALL"""
    )


def profile_people(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """Measures of the feed's people. Reads what `stage_feed` and `stage_people` made."""
    if feed.name == "patient_merges":
        _merged(connection)
    if "mrn" not in feed.fields or feed.name == "patient_merges":
        return
    _sent_again(connection, feed)
    if feed.name == "registry":
        _one_person_twice(connection, feed)
        _one_number_twice(connection)
        _test_patients(connection)
    else:
        _of_registered(connection, feed)
    if feed.name in HEARD_OF_BY:
        _unheard_of(connection, feed.name, HEARD_OF_BY[feed.name])
    if feed.name == "pathology_messages":
        _said_to_be_of(connection)
        _without_operation(connection)


def _sent_again(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """New records that say of the same patient what an existing record says under another key."""
    content = ", ".join(name for name in feed.fields if name not in KEYS_OF_RECORDS)
    if not KEYS_OF_RECORDS & set(feed.fields):
        return
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            WITH fresh AS (
                SELECT source_system AS hospital, hash({content}) AS content FROM records_now
                WHERE is_new AND source_system IN (SELECT DISTINCT source_system FROM records_now WHERE NOT is_new)
            ),
            existing AS (
                SELECT DISTINCT source_system AS hospital, hash({content}) AS content FROM records_now
                WHERE NOT is_new AND hash({content}) IN (SELECT content FROM fresh)
            )
            SELECT 'sent_again' AS measure, hospital, $feed AS feed, count(existing.content) AS n, count(*) AS denominator
            FROM fresh LEFT JOIN existing USING (hospital, content) GROUP BY ALL""",
        {"feed": feed.name},
    )


def _one_person_twice(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """MRNs new tonight whose person, by name and birth date or by all that the registry says of the operation, has another."""
    content = ", ".join(name for name in feed.fields if name not in KEYS_OF_RECORDS | PEOPLE)
    told = " + ".join(f"({name} IS NOT NULL)::INTEGER" for name in PECULIAR)
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            WITH records AS MATERIALIZED (
                SELECT source_system AS hospital, mrn, is_new,
                       lower(last_name) || '|' || lower(first_name) || '|' || birth_date AS person,
                       CASE WHEN birth_date IS NOT NULL AND operation_date IS NOT NULL AND {told} >= {LEAST_PECULIAR}
                            THEN hash({content}) END AS content
                FROM records_now
                WHERE (source_system, mrn) NOT IN (
                    SELECT (source_system, retired_mrn) FROM raw.patient_merges WHERE retired_mrn IS NOT NULL)
            ),
            twice AS (
                SELECT hospital, mrn FROM records SEMI JOIN (
                    SELECT hospital, person FROM records GROUP BY ALL HAVING min(mrn) <> max(mrn)) USING (hospital, person)
                UNION
                SELECT hospital, mrn FROM records SEMI JOIN (
                    SELECT hospital, content FROM records GROUP BY ALL
                    -- people of several names are several people
                    HAVING min(mrn) <> max(mrn) AND min(person) IS NOT DISTINCT FROM max(person)) USING (hospital, content)
            ),
            people AS (SELECT hospital, mrn, bool_and(is_new) AS is_new FROM records GROUP BY ALL)
            SELECT 'one_person_twice' AS measure, hospital, 'registry' AS feed, 'mrn' AS field,
                   count(twice.mrn) FILTER (WHERE people.is_new) AS n, count(*) AS denominator
            FROM people LEFT JOIN twice USING (hospital, mrn) GROUP BY ALL"""
    )


def _one_number_twice(connection: duckdb.DuckDBPyConnection) -> None:
    """MRNs whose registered operations are of two people: of other birth dates, and of another last or first name."""
    connection.execute(
        """INSERT INTO quality.night_profile BY NAME
           WITH numbers AS (
               SELECT hospital, mrn, count(DISTINCT birth_date) > 1
                      AND (count(DISTINCT last_name) > 1 OR count(DISTINCT first_name) > 1) AS is_of_two
               FROM operations GROUP BY ALL
           )
           SELECT 'one_number_twice' AS measure, hospital, 'registry' AS feed, 'mrn' AS field, count(*) FILTER (WHERE is_of_two) AS n,
                  count(*) AS denominator
           FROM numbers GROUP BY ALL"""
    )


def _merged(connection: duckdb.DuckDBPyConnection) -> None:
    """Registered patients retired by tonight's merges, and those merged with somebody of another name and birth date."""
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            WITH merges AS (
                SELECT DISTINCT source_system AS hospital, mrn, retired_mrn FROM raw.patient_merges
                WHERE {NEW_RUNS} AND coalesce(merge_event, 'merge') = 'merge'
            ),
            pairs AS (
                SELECT retired.hospital,
                       retired.birth_date <> kept.birth_date
                           AND (retired.last_name <> kept.last_name OR retired.first_name <> kept.first_name) AS is_other
                FROM merges
                INNER JOIN registered AS retired ON merges.hospital = retired.hospital AND merges.retired_mrn = retired.mrn
                LEFT JOIN registered AS kept ON merges.hospital = kept.hospital AND merges.mrn = kept.mrn
            ),
            people AS (SELECT hospital, count(*) AS n FROM registered GROUP BY ALL)
            SELECT 'merged_tonight' AS measure, hospital, 'patient_merges' AS feed, 'retired_mrn' AS field, count(*) AS n,
                   any_value(people.n) AS denominator
            FROM pairs INNER JOIN people USING (hospital) GROUP BY ALL
            UNION ALL
            SELECT 'merged_with_others', hospital, 'patient_merges', 'retired_mrn', count(*) FILTER (WHERE is_other), count(*)
            FROM pairs GROUP BY ALL"""
    )


def _test_patients(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """INSERT INTO quality.night_profile BY NAME
           SELECT 'test_patients' AS measure, hospital, 'registry' AS feed, 'last_name' AS field,
                  count(*) FILTER (WHERE regexp_matches(last_name, $pattern)) AS n, count(*) AS denominator
           FROM registered GROUP BY ALL""",
        {"pattern": TEST_NAMES},
    )


def _of_registered(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """Records of nobody who is registered, of days before the patient's first operation, and looks after a death."""
    dated = DATED.get(feed.name, [])
    shares = [Share("of_nobody_registered", "mrn", "is_of_nobody", "has_registered")] + [
        Share(
            "before_operation",
            field,
            f"TRY_CAST({field} AS DATE) < first_operation",
            f"NOT is_of_nobody AND {field} IS NOT NULL AND first_operation IS NOT NULL",
        )
        for field in dated
    ]
    also, deaths = "", ""
    if feed.name == "follow_up":
        shares.append(Share("after_death", "event_date", "is_after_death"))
        also = ", coalesce(TRY_CAST(event_date AS DATE) > death_date, FALSE) AS is_after_death"
        deaths = " LEFT JOIN deaths ON source_system = deaths.hospital AND records_now.mrn = deaths.mrn"
    write_shares(
        connection,
        feed.name,
        shares,
        f"""SELECT source_system AS hospital, is_new, {"".join(f"{field}, " for field in dated)}first_operation,
                   registered.mrn IS NULL AS is_of_nobody,
                   source_system IN (SELECT DISTINCT hospital FROM registered) AS has_registered{also}
            FROM records_now
            LEFT JOIN registered ON source_system = registered.hospital AND records_now.mrn = registered.mrn{deaths}""",
    )


def _unheard_of(connection: duckdb.DuckDBPyConnection, feed: str, day: str) -> None:
    """Registered patients operated on long before the end of the feed's records of whom it has none."""
    write_shares(
        connection,
        feed,
        [Share("unheard_of", "mrn", "is_so")],
        f"""WITH known AS (SELECT DISTINCT source_system AS hospital, mrn FROM raw.registry WHERE NOT ({NEW_RUNS})),
            -- but for single dates that lie in a far future
            reach AS (
                SELECT source_system AS hospital, quantile_disc(TRY_CAST({day} AS DATE), 0.95) AS last_day FROM records_now GROUP BY ALL
            ),
            heard_of AS (SELECT DISTINCT source_system AS hospital, mrn FROM records_now)
            SELECT hospital, known.mrn IS NULL AS is_new, heard_of.mrn IS NULL AS is_so
            FROM registered INNER JOIN reach USING (hospital)
            LEFT JOIN known USING (hospital, mrn) LEFT JOIN heard_of USING (hospital, mrn)
            WHERE first_operation < last_day - {LONG_AGO_DAYS}""",
    )


def _without_operation(connection: duckdb.DuckDBPyConnection) -> None:
    """Specimens of registered patients that were taken on no day on which they were operated on."""
    write_shares(
        connection,
        "pathology_messages",
        [Share("without_operation", "collected_date", "is_so")],
        f"""SELECT records_now.source_system AS hospital, is_new, NOT exists(
                SELECT 1 FROM operations WHERE operations.hospital = records_now.source_system AND operations.mrn = records_now.mrn
                AND abs(TRY_CAST(records_now.collected_date AS DATE) - operation_date) <= {DAYS_BETWEEN_OPERATION_AND_SPECIMEN}
            ) AS is_so
            FROM records_now
            SEMI JOIN registered ON records_now.source_system = registered.hospital AND records_now.mrn = registered.mrn""",
    )


def _said_to_be_of(connection: duckdb.DuckDBPyConnection) -> None:
    """Name, birth date and sex in the PID segment of tonight's HL7 messages against the registry's of the same MRN."""
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            WITH segments AS (
                SELECT source_system AS hospital, mrn,
                       string_split(regexp_extract(payload, '(?:^|[\\r\\n])PID\\|([^\\r\\n]*)', 1), '|') AS pid
                FROM raw.pathology_messages WHERE {NEW_RUNS} AND payload LIKE 'MSH|%'
            ),
            pairs AS (
                SELECT hospital, unnest([
                    {{'field': 'name', 'said': lower(split_part(pid[5], '^', 1)), 'known': last_name}},
                    {{'field': 'birth_date', 'said': pid[7][:8], 'known': replace(birth_date, '-', '')}},
                    {{'field': 'sex', 'said': CASE pid[8] WHEN 'M' THEN 'male' WHEN 'F' THEN 'female' END, 'known': sex}}
                ], recursive := TRUE)
                FROM segments INNER JOIN registered USING (hospital, mrn)
            )
            SELECT 'another_person' AS measure, hospital, 'pathology_messages' AS feed, field,
                   count(*) FILTER (WHERE said <> known) AS n, count(*) AS denominator
            FROM pairs WHERE said <> '' AND known <> '' GROUP BY ALL"""
    )
