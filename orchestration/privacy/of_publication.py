"""The very file that is about to be published, looked through: the privacy suites on every table, and the attacks on dates.

The attacks are scored with the truth of the build file; what is kept of them is a count.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pandas as pd

from orchestration.judging.tables_to_judge import TablesToJudge
from orchestration.privacy.attacks_on_blanks import BlankAttack, attacks_on_blanks
from orchestration.privacy.disclosure import DisclosureRules, anonymity
from orchestration.privacy.results_of_few import Withheld
from orchestration.warehouse import column_exists, columns_by_table, read_table, table_exists, write_table
from quality.date_attack import Attack, try_known_days, try_order, try_shared_days
from quality.privacy import PrivacyLook, RememberedTexts, TableContents
from quality.run_expectations import CHECK_COLUMNS

DAYS_COLUMN = re.compile(r".*_days$")
NUMBER_AT_THE_END = r"(\d+)$"
RAW_NAME = r"\b[0-9a-f]{12}-\d+\b|\.(?:csv|tsv|txt|hl7|json|ndjson|xlsx|xlsm|xls|parquet|gz|zip)\b"
NOT_OF_THE_DATA = ("study_id",)
BESIDE_DAYS = ("study_id", "endpoint", "event_code", "operation_year", "era")
"""What the attacks by days read of a table of patients beside its columns of days."""
STAGE = "publication"
KNOWN_DAY = "no_date_follows_from_a_known_day"
WHAT_TO_DO_ABOUT_KNOWN_DAYS = (
    "many patients of a hospital were last heard of on one day (of an extract, of a match with a registry), and whoever knows it"
    " computes their days of operation. Have the source send when each patient was last heard of; or, where whoever reads the file"
    " may know those days, say shared_last_contact: internal_only in a copy of orchestration/privacy/disclosure.yml (CRLM_DISCLOSURE_RULES)"
)


class Looks:
    """What is remembered of texts that were looked at, from one file of a publication to the other."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.privacy = PrivacyLook(_identifiers(connection))
        self.is_raw_name = RememberedTexts(lambda texts: texts.str.contains(RAW_NAME, regex=True))


@dataclass(frozen=True)
class DateAttacks:
    """What the attacks by days since the operation found, one attack a published column of days (and endpoint)."""

    beside_a_period: list[Attack]
    """A day of the calendar that patients share, looked for beside whatever period is published."""
    by_known_day: list[Attack]
    """The same by somebody who knows the day, and needs no period beside the days."""
    by_known_day_of_simulated: list[Attack]
    """That on simulated patients, of whom nothing can be told."""


def leaks(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    which: str,
    allows_known_days: bool = False,
    looks: Looks | None = None,
    attacked: tuple[str, DateAttacks] | None = None,
    rules: DisclosureRules | None = None,
) -> list[str]:
    """What an attached file holds that may not leave the build area, by table, check and column; no value is named.

    Where the installation's rules allow it, days of operation may follow from a day that the readers know. All checks are kept
    in quality.check_results of the build file, stage 'publication'.

    Args:
        attacked: another attached file, and what the attacks by days found there: so they would here, if the two have the same days,
            which is looked at.
        rules: of a file in which nobody may be found by what is blank of them; the attacks on blanks are tried then.
    """
    tables, looks = _tables(connection, database), looks or Looks(connection)
    rows, of_names = [], []
    for name in tables.names():
        # a column's texts are asked for once, and let go of before the next table's
        contents = tables.contents(name, looks.privacy.opaque_names_are_harmless).asked_once()
        rows += looks.privacy.checks_of(name, lambda contents=contents: contents)
        of_names.append(_as_check_of_names(name, contents, looks.is_raw_name))
    if attacked is not None and _have_the_same_days(connection, database, attacked[0]):
        on_days = attacked[1]
    else:
        on_days = attacks_on_days(connection, database)
    rows += [_as_check(attack) for attack in (*on_days.beside_a_period, *_attacks_on_order(connection, database))]
    rows += [_as_check_of_known_day(attack, allows_known_days, False) for attack in on_days.by_known_day]
    rows += [_as_check_of_known_day(attack, allows_known_days, True) for attack in on_days.by_known_day_of_simulated]
    if rules is not None:
        rows += _as_checks_of_blanks(attacks_on_blanks(connection, database, rules))
    # definitions have names and values: those of settings, not of patients
    rows = [row for row in rows if not (row[1].startswith("meta.") and row[2] == "no_identifying_column")]
    checks = pd.DataFrame([*rows, *of_names], columns=CHECK_COLUMNS)
    _keep(connection, checks, which)
    failed = checks[(checks["status"] != "passed") & (checks["severity"] == "blocking")]
    return [
        f"{row.table_name}: {row.check_name}" + (f" [{row.column_name}]" if isinstance(row.column_name, str) else "")
        for row in failed.itertuples()
    ]


def attacks_on_days(connection: duckdb.DuckDBPyConnection, database: str) -> DateAttacks:
    """All of them, while each column of an attached file is read once."""
    truth, period = _truth(connection), _periods(connection, database)
    known = _with_numbers_of_hospitals(truth).assign(
        is_simulated=truth["hospital"].isin(_simulated_hospitals(connection))
    )
    known = known.merge(period, on="study_id", how="left")
    tried = (
        []
        if known.empty
        else [
            (
                try_shared_days(source, times),
                try_known_days(source, _who_are(times, simulated=False)),
                try_known_days(source, _who_are(times, simulated=True)),
            )
            for source, times in _days(connection, database, known)
        ]
    )
    return DateAttacks(*(_by_source(attacks[kind] for attacks in tried) for kind in range(3)))


def _have_the_same_days(connection: duckdb.DuckDBPyConnection, one: str, other: str) -> bool:
    """Whether two attached files hold the same of all that the attacks by days read, in whatever order of rows."""
    columns = _tables_of_patients(connection, one)
    if columns != _tables_of_patients(connection, other):
        return False
    for table, names in columns.items():
        read = [name for name in names if name in BESIDE_DAYS or DAYS_COLUMN.fullmatch(name)]
        hashed = f"hash({', '.join(read)})"
        query = f'SELECT count(*), sum({hashed}::HUGEINT), bit_xor({hashed}) FROM {{}}.marts."{table}"'
        if len({connection.execute(query.format(file)).fetchall()[0] for file in (one, other)}) > 1:
            return False
    return True


def _who_are(times: pd.DataFrame, *, simulated: bool) -> pd.DataFrame:
    is_asked_for = times["is_simulated"].to_numpy() == simulated
    return times if is_asked_for.all() else times[is_asked_for]


def _with_numbers_of_hospitals(truth: pd.DataFrame) -> pd.DataFrame:
    """The same, hospitals as numbers in the order of their names: the rows go through many queries."""
    return truth.assign(hospital=pd.factorize(truth["hospital"], sort=True)[0].astype("int32"))


def _by_source(attacks: Iterable[Attack | None]) -> list[Attack]:
    return sorted((attack for attack in attacks if attack is not None), key=lambda attack: attack.source)


def _simulated_hospitals(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "SELECT source_system FROM raw.ingest_ledger GROUP BY ALL HAVING bool_and(coalesce(is_simulated, FALSE))"
    ).fetchall()
    return [hospital for (hospital,) in rows]


def describe(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    which: str,
    rules: DisclosureRules,
    coarsened: list[str],
    attacks: DateAttacks,
    withheld: Sequence[Withheld] = (),
) -> None:
    """Write quality.disclosure into an attached file: how exact it is, how alike its patients are, what the attacks on it found."""
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
        (
            which,
            "attack on dates",
            attack.source,
            attack.n_patients,
            attack.n_recovered,
            "works" if attack.works else "fails",
            "dates of operation told to within three days; a few are met by chance",
        )
        for attack in attacks.beside_a_period
    ]
    rows += [
        (
            which,
            "attack by a known day",
            attack.source,
            attack.n_patients,
            attack.n_recovered,
            "works" if attack.works else "fails",
            "patients who share one day with others: whoever knows that day has their days of operation",
        )
        for attack in attacks.by_known_day
    ]
    rows += [(which, "withheld", one.table, None, one.n_rows, "done", one.why) for one in withheld]
    connection.execute(
        f"""CREATE OR REPLACE TABLE {database}.quality.disclosure (publication VARCHAR, topic VARCHAR, subject VARCHAR,
            n_patients BIGINT, n_found BIGINT, outcome VARCHAR, reason VARCHAR)"""
    )
    connection.executemany(f"INSERT INTO {database}.quality.disclosure VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> TablesToJudge:
    types_of = {f"{schema}.{table}": kinds for (schema, table), kinds in columns_by_table(connection, database).items()}
    queries = {name: 'SELECT * FROM {}."{}"."{}"'.format(database, *name.split(".", 1)) for name in types_of}
    return TablesToJudge(connection, queries, types_of)


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
    columns = _columns_of_marts(connection, database).get("index_operations", [])
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


def _days(
    connection: duckdb.DuckDBPyConnection, database: str, known: pd.DataFrame
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Source by source, for all of them together need not fit into memory: days, and the columns of `known` (one row a study_id) but
    that; every published number of days since the operation, one row a patient of `known`."""
    with _lent(connection, known) as patients:
        for table, columns in _tables_of_patients(connection, database).items():
            place = f'{database}.marts."{table}"'
            endpoints = [None]
            if {"endpoint", "event_code"} <= set(columns):
                rows = connection.execute(
                    f"SELECT DISTINCT endpoint FROM {place} WHERE endpoint IS NOT NULL"
                ).fetchall()
                endpoints = sorted(endpoint for (endpoint,) in rows)
            for name in (name for name in columns if DAYS_COLUMN.fullmatch(name) and name != "synchronous_window_days"):
                for endpoint in endpoints:
                    rows = "TRUE" if endpoint is None else "endpoint = $endpoint AND event_code = 0"
                    found = connection.execute(
                        f"""SELECT days, patients.* EXCLUDE (study_id)
                            FROM (SELECT study_id, max("{name}")::BIGINT AS days FROM {place}
                                  WHERE "{name}" IS NOT NULL AND {rows} GROUP BY ALL)
                            INNER JOIN {patients} AS patients USING (study_id)""",
                        {} if endpoint is None else {"endpoint": endpoint},
                    ).df()
                    yield f"{table}.{name}" + ("" if endpoint is None else f" of {endpoint}"), found


@contextlib.contextmanager
def _lent(connection: duckdb.DuckDBPyConnection, frame: pd.DataFrame) -> Iterator[str]:
    """The name of a frame in SQL, for as long as the block lasts; copied, for DuckDB looks a frame through each time it reads it."""
    connection.register("frame_to_lend", frame)
    connection.execute("CREATE OR REPLACE TEMP TABLE lent_patients AS FROM frame_to_lend")
    connection.unregister("frame_to_lend")
    try:
        yield "temp.lent_patients"
    finally:
        connection.execute("DROP TABLE IF EXISTS temp.lent_patients")


def _attacks_on_order(connection: duckdb.DuckDBPyConnection, database: str) -> list[Attack]:
    """The place of a patient's rows in each table, and the number at the end of each text."""
    truth = _truth(connection)
    if truth.empty:
        return []
    attacks = []
    with _lent(connection, truth) as patients:
        for table, columns in _tables_of_patients(connection, database).items():
            place = f'{database}.marts."{table}"'
            queries = {
                f"{table}, order of rows": f"SELECT study_id, min(rowid) AS place FROM {place} GROUP BY study_id"
            } | {
                f"{table}.{name}": f"""SELECT study_id, TRY_CAST(nullif(
                    regexp_extract(CAST("{name}" AS VARCHAR), '{NUMBER_AT_THE_END}', 1), '') AS DOUBLE) AS place FROM {place}"""
                for name in columns
                if name.endswith(("_id", "_ids", "_number", "_file")) and name not in NOT_OF_THE_DATA
            }
            for source, query in queries.items():
                places = connection.execute(
                    f"""SELECT place, operation_day FROM ({query}) INNER JOIN {patients} AS patients USING (study_id)
                        WHERE place IS NOT NULL"""
                ).df()
                attacks.append(try_order(source, places))
    return _by_source(attacks)


def _tables_of_patients(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[str]]:
    return {table: names for table, names in _columns_of_marts(connection, database).items() if "study_id" in names}


def _columns_of_marts(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[str]]:
    """By table."""
    columns = columns_by_table(connection, database)
    return {table: list(kinds) for (schema, table), kinds in columns.items() if schema == "marts"}


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
        "privacy",
        "marts",
        KNOWN_DAY,
        "No day of operation follows from what is published for somebody who knows the day of an extract",
        attack.source,
        "warning" if is_allowed or simulated else "blocking",
        "failed" if attack.works and not simulated else "passed",
        attack.n_patients,
        attack.n_recovered,
        share,
        allowed,
        why,
        None,
    ]


def _as_checks_of_blanks(attacks: Sequence[BlankAttack]) -> list[list]:
    """A check a kind of attack, with the places where it worked."""
    rows = []
    for name in dict.fromkeys(attack.name for attack in attacks):
        tried = [attack for attack in attacks if attack.name == name]
        places = ", ".join(dict.fromkeys(attack.place for attack in tried if attack.n_recovered))
        n_tried, n_recovered = (sum(getattr(attack, of) for attack in tried) for of in ("n_tried", "n_recovered"))
        rows.append([
            "privacy", "all tables", name, tried[0].description, places or None, "blocking" if tried[0].is_of_patients else "warning",
            "failed" if n_recovered else "passed", n_tried, n_recovered, n_recovered / n_tried if n_tried else 0.0, 0.0,
            "a rule without exception", None,
        ])  # fmt: skip
    return rows


def _as_check_of_names(table: str, contents: TableContents, is_raw_name: RememberedTexts) -> list:
    """No id of a record, which holds its row number, and no name of a file."""
    hits: dict[str, int] = {}
    n_texts = sum(contents.n_opaque.values())
    for name, ask in contents.texts:
        texts = ask()
        n_texts += int(texts.sum())
        hits[name] = is_raw_name.n_hits(texts)
    found = {name: n for name, n in hits.items() if n}
    n_failed, n_checked = sum(found.values()), n_texts
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
