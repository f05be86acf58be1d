"""The very file that is about to be published, looked through: the privacy suites on every table, and the attacks on dates.

The attacks are scored with the truth of the build file; what is kept of them is a count.
"""

import re

import duckdb
import pandas as pd

from orchestration.disclosure import DisclosureRules, anonymity
from orchestration.warehouse import column_exists, read_table, table_exists, write_table
from quality.date_attack import Attack, try_known_days, try_order, try_shared_days
from quality.privacy import privacy_checks
from quality.run_expectations import CHECK_COLUMNS

DAYS_COLUMN = re.compile(r".*_days$")
NUMBER_AT_THE_END = r"(\d+)$"
RAW_NAME = r"\b[0-9a-f]{12}-\d+\b|\.(?:csv|tsv|txt|hl7|json|ndjson|xlsx|xlsm|xls|parquet|gz|zip)\b"
NOT_OF_THE_DATA = ("study_id",)
STAGE = "publication"
KNOWN_DAY = "no_date_follows_from_a_known_day"
WHAT_TO_DO_ABOUT_KNOWN_DAYS = (
    "many patients of a hospital were last heard of on one day (of an extract, of a match with a registry), and whoever knows it"
    " computes their days of operation. Have the source send when each patient was last heard of; or, where whoever reads the file"
    " may know those days, say shared_last_contact: internal_only in a copy of orchestration/disclosure.yml (CRLM_DISCLOSURE_RULES)"
)


def leaks(
    connection: duckdb.DuckDBPyConnection, database: str, which: str, allows_known_days: bool = False
) -> list[str]:
    """What an attached file holds that may not leave the build area, by table, check and column; no value is named.

    Where the installation's rules allow it, days of operation may follow from a day that the readers know. All checks are kept
    in quality.check_results of the build file, stage 'publication'.
    """
    frames = _frames(connection, database)
    rows = privacy_checks(frames, _identifiers(connection))
    for attack in [*attacks_on_days(connection, database), *_attacks_on_order(connection, database)]:
        rows.append(_as_check(attack))
    for simulated in (False, True):
        attacks = attacks_by_known_days(connection, database, simulated)
        rows += [_as_check_of_known_day(attack, allows_known_days, simulated) for attack in attacks]
    # definitions have names and values: those of settings, not of patients
    rows = [row for row in rows if not (row[1].startswith("meta.") and row[2] == "no_identifying_column")]
    rows += [_as_check_of_names(table, frame) for table, frame in frames.items()]
    checks = pd.DataFrame(rows, columns=CHECK_COLUMNS)
    _keep(connection, checks, which)
    failed = checks[(checks["status"] != "passed") & (checks["severity"] == "blocking")]
    return [
        f"{row.table_name}: {row.check_name}" + (f" [{row.column_name}]" if isinstance(row.column_name, str) else "")
        for row in failed.itertuples()
    ]


def attacks_on_days(connection: duckdb.DuckDBPyConnection, database: str) -> list[Attack]:
    """A day of the calendar that patients share, looked for in every column of days beside whatever period is published."""
    truth = _truth(connection)
    period = _periods(connection, database)
    if truth.empty or period.empty:
        return []
    times = _days(connection, database)
    return try_shared_days(times.merge(period, on="study_id").merge(truth, on="study_id"))


def attacks_by_known_days(
    connection: duckdb.DuckDBPyConnection, database: str, simulated: bool = False
) -> list[Attack]:
    """The same by somebody who knows the day, and needs no period beside the days.

    Args:
        simulated: on simulated patients, of whom nothing can be told, instead of those of hospitals.
    """
    truth = _truth(connection)
    is_simulated = truth["hospital"].isin(_simulated_hospitals(connection))
    truth = truth[is_simulated == simulated]
    return [] if truth.empty else try_known_days(_days(connection, database).merge(truth, on="study_id"))


def _simulated_hospitals(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "SELECT source_system FROM raw.ingest_ledger GROUP BY ALL HAVING bool_and(coalesce(is_simulated, FALSE))"
    ).fetchall()
    return [hospital for (hospital,) in rows]


def describe(
    connection: duckdb.DuckDBPyConnection, database: str, which: str, rules: DisclosureRules, coarsened: list[str]
) -> None:
    """Write quality.disclosure into an attached file: how exact it is, how alike its patients are, what the attacks found."""
    reached = anonymity(connection, database, rules)
    asked = f"at least {rules.least_k}" if which == "shareable" else f"not asked; {rules.least_k} in the shareable file"
    rows = [
        (
            which,
            "anonymity",
            ", ".join(reached.quasi_identifiers),
            reached.n_patients,
            reached.n_below,
            f"k = {reached.k}",
            asked,
        )
    ]
    rows += [
        (which, "coarsening", text.partition(" (")[0], None, None, "done", text.partition(" (")[2].rstrip(")"))
        for text in coarsened
    ]
    rows += [
        (which, "attack on dates", attack.source, attack.n_patients, attack.n_recovered, "works" if attack.works else "fails",
         "dates of operation told to within three days; a few are met by chance")
        for attack in attacks_on_days(connection, database)
    ]  # fmt: skip
    rows += [
        (which, "attack by a known day", attack.source, attack.n_patients, attack.n_recovered, "works" if attack.works else "fails",
         "patients who share one day with others: whoever knows that day has their days of operation")
        for attack in attacks_by_known_days(connection, database)
    ]  # fmt: skip
    connection.execute(
        f"""CREATE OR REPLACE TABLE {database}.quality.disclosure (publication VARCHAR, topic VARCHAR, subject VARCHAR,
            n_patients BIGINT, n_found BIGINT, outcome VARCHAR, reason VARCHAR)"""
    )
    connection.executemany(f"INSERT INTO {database}.quality.disclosure VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def _frames(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, pd.DataFrame]:
    tables = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY ALL", [database]
    ).fetchall()
    return {
        f"{schema}.{table}": connection.execute(f"FROM {database}.{schema}.{table}").df() for schema, table in tables
    }


def _identifiers(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [mrn for (mrn,) in connection.execute("SELECT DISTINCT mrn FROM raw.patient_identifiers").fetchall()]


def _truth(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """study_id, hospital and the day of operation, as a day number, of those whose dates are dates."""
    if not table_exists(connection, "intermediate", "index_operations"):
        return pd.DataFrame(columns=["study_id", "hospital", "operation_day"])
    is_real = (
        "NOT coalesce(has_nominal_dates, FALSE)"
        if column_exists(connection, "intermediate", "index_operations", "has_nominal_dates")
        else "TRUE"
    )
    return connection.execute(
        f"""SELECT study_id, source_system AS hospital, epoch(index_operation_date)::BIGINT // 86400 AS operation_day
            FROM intermediate.index_operations WHERE {is_real}"""
    ).df()


def _periods(connection: duckdb.DuckDBPyConnection, database: str) -> pd.DataFrame:
    """study_id, and the first and last day of the period of operation that the file tells: its year, else its era."""
    columns = _columns(connection, database, "marts", "index_operations")
    if "operation_year" in columns:
        query = (
            "SELECT study_id, operation_year AS first_year, operation_year AS last_year FROM {}.marts.index_operations"
        )
    elif "era" in columns and table_exists(connection, "seeds", "operation_eras"):
        query = """SELECT study_id, greatest(first_year, 1900) AS first_year, least(last_year, 2100) AS last_year
                   FROM {}.marts.index_operations INNER JOIN seeds.operation_eras USING (era)"""
    else:
        return pd.DataFrame(columns=["study_id", "first_day", "last_day"])
    return connection.execute(
        f"""SELECT study_id, epoch(make_date(first_year, 1, 1))::BIGINT // 86400 AS first_day,
                   epoch(make_date(last_year, 12, 31))::BIGINT // 86400 AS last_day
            FROM ({query.format(database)}) WHERE first_year IS NOT NULL"""
    ).df()


def _days(connection: duckdb.DuckDBPyConnection, database: str) -> pd.DataFrame:
    """source, study_id, days: every published number of days since the operation, one row a patient and source."""
    parts = []
    for table, columns in _tables_of_patients(connection, database).items():
        place = f"{database}.marts.{table}"
        for name in (name for name in columns if DAYS_COLUMN.fullmatch(name) and name != "synchronous_window_days"):
            of_endpoint = (
                "endpoint IS NOT NULL AND event_code = 0" if {"endpoint", "event_code"} <= set(columns) else "TRUE"
            )
            label = "endpoint" if of_endpoint != "TRUE" else "''"
            parts.append(
                f"""SELECT '{table}.{name}' || CASE WHEN {label} = '' THEN '' ELSE ' of ' || {label} END AS source, study_id,
                           max({name})::BIGINT AS days FROM {place} WHERE {name} IS NOT NULL AND {of_endpoint} GROUP BY ALL"""
            )
    if not parts:
        return pd.DataFrame(columns=["source", "study_id", "days"])
    return connection.execute(" UNION ALL ".join(parts)).df()


def _attacks_on_order(connection: duckdb.DuckDBPyConnection, database: str) -> list[Attack]:
    """The place of a patient's rows in each table, and the number at the end of each text."""
    truth = _truth(connection)
    if truth.empty:
        return []
    parts = []
    for table, columns in _tables_of_patients(connection, database).items():
        frame = connection.execute(f"FROM {database}.marts.{table}").df()
        frame["place"] = range(len(frame))
        parts.append(frame.groupby("study_id", as_index=False)["place"].min().assign(source=f"{table}, order of rows"))
        for name in (
            name
            for name in columns
            if name.endswith(("_id", "_ids", "_number", "_file")) and name not in NOT_OF_THE_DATA
        ):
            numbers = pd.to_numeric(frame[name].astype("str").str.extract(NUMBER_AT_THE_END)[0], errors="coerce")
            parts.append(pd.DataFrame({"study_id": frame["study_id"], "place": numbers, "source": f"{table}.{name}"}))
    places = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["study_id", "place", "source"])
    return try_order(places.merge(truth, on="study_id"))


def _tables_of_patients(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[str]]:
    tables = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name = 'marts' ORDER BY ALL",
        [database],
    ).fetchall()
    columns = {table: _columns(connection, database, "marts", table) for (table,) in tables}
    return {table: names for table, names in columns.items() if "study_id" in names}


def _columns(connection: duckdb.DuckDBPyConnection, database: str, schema: str, table: str) -> list[str]:
    rows = connection.execute(
        """SELECT column_name FROM duckdb_columns() WHERE database_name = ? AND schema_name = ? AND table_name = ?
           ORDER BY column_index""",
        [database, schema, table],
    ).fetchall()
    return [name for (name,) in rows]


def _as_check(attack: Attack) -> list:
    share = attack.n_recovered / attack.n_patients if attack.n_patients else 0.0
    return [
        "privacy", "marts", "no_date_can_be_computed", "No day of operation follows from what is published", attack.source,
        "blocking", "failed" if attack.works else "passed", attack.n_patients, attack.n_recovered, share, 0.1,
        "a few are met by guessing the middle of the records", None,
    ]  # fmt: skip


def _as_check_of_known_day(attack: Attack, is_allowed: bool, simulated: bool) -> list:
    share = attack.n_recovered / attack.n_patients if attack.n_patients else 0.0
    allowed, why = 0.05, "some patients are seen on the same day by chance"
    if simulated:
        # a warning that every simulated night has would hide the others
        allowed, why = 1.0, "simulated patients: their days are nobody's"
    return [
        "privacy", "marts", KNOWN_DAY, "No day of operation follows from what is published for somebody who knows the day of an extract",
        attack.source, "warning" if is_allowed or simulated else "blocking",
        "failed" if attack.works and not simulated else "passed", attack.n_patients, attack.n_recovered, share, allowed, why, None,
    ]  # fmt: skip


def _as_check_of_names(table: str, frame: pd.DataFrame) -> list:
    """No id of a record, which holds its row number, and no name of a file."""
    hits: dict[str, int] = {}
    texts = frame.select_dtypes(exclude=["number", "bool", "datetime", "datetimetz"])
    for name in texts.columns:
        values = texts[name].dropna().astype("str")
        hits[str(name)] = int(values.str.contains(RAW_NAME, regex=True).sum())
    found = {name: n for name, n in hits.items() if n}
    n_failed, n_checked = sum(found.values()), int(texts.notna().to_numpy().sum())
    return [
        "privacy", table, "names_are_opaque", "No row number and no file name is published", ", ".join(found) or None, "blocking",
        "failed" if found else "passed", n_checked, n_failed, n_failed / n_checked if n_checked else 0.0, 0.0,
        "a rule without exception", None,
    ]  # fmt: skip


def _keep(connection: duckdb.DuckDBPyConnection, checks: pd.DataFrame, which: str) -> None:
    """In place of the checks of the publication before; the internal file is looked through first."""
    rows = checks.assign(stage=f"{STAGE} of the {which} file")
    if table_exists(connection, "quality", "check_results"):
        kept = read_table(connection, "quality", "check_results")
        if "stage" in kept.columns:
            rows = pd.concat([kept[kept["stage"] != f"{STAGE} of the {which} file"], rows], ignore_index=True)
    write_table(connection, "quality", "check_results", rows)
