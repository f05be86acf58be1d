"""What a file tells of few patients, and elsewhere of those whose values it has blank: each attack works on the file as it was."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.night_profile.records import create_night_tables
from orchestration.privacy.attacks_on_blanks import attacks_on_blanks
from orchestration.privacy.disclosure import coarsen, disclosure_rules, generalise_until_k, leave_strangers_out
from orchestration.privacy.of_publication import DateAttacks, describe, leaks
from orchestration.privacy.results_of_few import withhold_few, withhold_groups_of_blanks
from orchestration.publication.verdicts import MAKE_TABLES
from orchestration.warehouse import columns_by_table, published_tables

RULES = disclosure_rules()
N_CLEAR = 120
OPERATIONS = f"""
    SELECT 'P' || lpad(CAST(i AS VARCHAR), 12, '0') AS study_id, 'h' AS source_system, 'male' AS sex, 60 AS age_at_operation_years,
           '1999-2005' AS era, 'wedge_resection' AS procedure_type, 'colon' AS primary_site, '>=10 mm' AS margin_group,
           TRUE AS has_calendar_dates FROM range({N_CLEAR}) AS numbers(i)"""
PATIENTS = "SELECT study_id, source_system, sex, TRUE AS is_in_cohort FROM published.marts.index_operations"


@pytest.fixture
def connection():
    """A file about to be published, in which all patients are alike."""
    with duckdb.connect() as opened:
        create_raw_schema(opened)
        opened.execute("ATTACH ':memory:' AS published")
        for schema in ("marts", "quality", "results", "meta"):
            opened.execute(f"CREATE SCHEMA published.{schema}")
        opened.execute(f"CREATE TABLE published.marts.index_operations AS {OPERATIONS}")
        opened.execute(f"CREATE TABLE published.marts.patients AS {PATIENTS}")
        yield opened


def fill(connection: duckdb.DuckDBPyConnection, table: str, columns: str, *rows: tuple) -> None:
    """A published table of literal rows."""
    values = ", ".join(f"({', '.join('?' for _ in row)})" for row in rows)
    connection.execute(
        f"CREATE TABLE published.{table} AS FROM (VALUES {values}) AS told({columns})",
        [cell for row in rows for cell in row],
    )


def asked(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return connection.execute(query).fetchall()


def working(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple[str, int]]:
    """Where an attack works, and on how many."""
    attacks = attacks_on_blanks(connection, "published", RULES)
    assert name in {attack.name for attack in attacks}
    return [(attack.place, attack.n_recovered) for attack in attacks if attack.name == name and attack.n_recovered]


def blank(connection: duckdb.DuckDBPyConnection, number: int, **values: object) -> str:
    """One more patient, of whom the file has every quasi-identifier blank; her study id."""
    study_id = f"P{number:012d}"
    told = {"study_id": study_id, "margin_group": ">=10 mm", "has_calendar_dates": True, **values}
    connection.execute(
        f"INSERT INTO published.marts.index_operations ({', '.join(told)}) VALUES ({', '.join('?' for _ in told)})",
        list(told.values()),
    )
    connection.execute("INSERT INTO published.marts.patients VALUES (?, NULL, NULL, TRUE)", [study_id])
    return study_id


TABLE_ONE = "variable, level, grouping, stratum, statistic_label, value_text, n, n_missing, max_standardised_difference"


def table_one_of(connection: duckdb.DuckDBPyConnection, **sizes: int) -> None:
    """Table 1 of groups of these sizes, of which a third are female, and of all together."""
    groups = {**sizes, "all": sum(sizes.values())}
    rows = []
    for stratum, n in groups.items():
        rows.append(("Patients", "", "margin_group", stratum, "n", str(n), n, 0, None))
        rows.append(("CEA, ng/mL", "", "margin_group", stratum, "median (IQR)", "212.3 (212.3-212.3)", n, 0, 0.1))
        rows.append(("Sex", "female", "margin_group", stratum, "n (%)", f"{n - n // 3} (67%)", n - n // 3, 0, 0.2))
    fill(connection, "results.table_one", TABLE_ONE, *rows)


def strata_told(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The groups that Table 1 describes."""
    rows = asked(
        connection,
        """SELECT DISTINCT stratum FROM published.results.table_one
           WHERE variable <> 'Patients' AND (n IS NOT NULL OR value_text <> 'withheld')""",
    )
    return {stratum for (stratum,) in rows}


def test_of_one_unresolved_margin_table_one_tells_only_that_there_is_one(connection):
    table_one_of(connection, unresolved=1, clear=120)
    assert working(connection, "no_few_patients_are_described") == [("results.table_one.n", 1)]
    withhold_few(connection, "published", RULES, "internal")
    assert strata_told(connection) == {"clear", "all"}
    # others could subtract
    withhold_few(connection, "published", RULES, "shareable")
    assert strata_told(connection) == {"clear"}
    assert working(connection, "no_few_patients_are_described") == []
    assert asked(
        connection, "SELECT n FROM published.results.table_one WHERE variable = 'Patients' AND stratum = 'unresolved'"
    ) == [(1,)]
    # a difference between groups is computed back to the group that is not told
    assert asked(connection, "SELECT count(max_standardised_difference) FROM published.results.table_one") == [(0,)]


def test_two_small_groups_that_are_enough_together_leave_the_total_told(connection):
    table_one_of(connection, positive=2, unresolved=3, clear=120)
    withhold_few(connection, "published", RULES, "shareable")
    assert strata_told(connection) == {"clear", "all"}


def test_quartiles_of_fewer_known_values_than_k_are_in_no_published_table(connection):
    """With three known values the quartiles give each; four of ten CEAs here."""
    fill(
        connection, "results.table_one", TABLE_ONE,
        ("Patients", "", "margin_group", "positive", "n", "10", 10, 0, None),
        ("CEA, ng/mL", "", "margin_group", "positive", "median (IQR)", "4.2 (3.1-212.3)", 4, 6, 0.1),
        ("Age", "", "margin_group", "positive", "median (IQR)", "61 (55-70)", 10, 0, 0.1),
    )  # fmt: skip
    withhold_few(connection, "published", RULES, "internal")
    assert asked(connection, "SELECT value_text, n FROM published.results.table_one ORDER BY variable") == [
        ("61 (55-70)", 10), ("withheld", 4), ("10", 10),
    ]  # fmt: skip


def test_the_completeness_of_one_patients_follow_up_is_not_told_nor_what_it_is_computed_from(connection):
    fill(
        connection, "results.follow_up_quality", "grouping, stratum, n, completeness_index, share_lost",
        ("margin_group", "unresolved", 1, 0.5, 0.0), ("margin_group", "clear", 120, 0.7, 0.1), ("margin_group", "all", 121, 0.69, 0.1),
    )  # fmt: skip
    assert working(connection, "no_few_patients_are_described") == [("results.follow_up_quality.n", 1)]
    withhold_few(connection, "published", RULES, "internal")
    assert working(connection, "no_few_patients_are_described") == []
    assert asked(connection, "SELECT stratum, completeness_index, share_lost FROM published.results.follow_up_quality ORDER BY n") == [
        ("unresolved", None, 0.0), ("clear", 0.7, 0.1), ("all", None, 0.1),
    ]  # fmt: skip


def test_means_of_a_small_group_are_withheld_also_where_it_is_the_reference(connection):
    fill(
        connection,
        "results.weight_summary",
        'endpoint, exposure, "group", n',
        ("os", "m", "positive", 2),
        ("os", "m", "clear", 90),
        ("os", "m", "<1 mm", 50),
    )
    fill(
        connection, "results.covariate_balance", 'endpoint, exposure, term, "group", reference, mean_group, mean_reference',
        ("os", "m", "age per 10 years", "positive", "clear", 7.1, 6.0), ("os", "m", "age per 10 years", "<1 mm", "positive", 6.2, 7.1),
    )  # fmt: skip
    withhold_few(connection, "published", RULES, "internal")
    assert asked(connection, 'SELECT "group", mean_group, mean_reference FROM published.results.covariate_balance ORDER BY 1') == [
        ("<1 mm", 6.2, None), ("positive", None, 6.0),
    ]  # fmt: skip


def test_no_number_of_any_result_about_fewer_than_k_is_shared_while_keys_and_counts_stay(connection):
    fill(
        connection, "results.interval_censored_curves", "endpoint, grouping, stratum, time_days, estimate, n, n_event",
        ("os", "margin_group", "positive", 182.5, 0.25, 4, 1), ("os", "margin_group", "clear", 182.5, 0.1, 5, 1),
    )  # fmt: skip
    connection.execute(
        """ALTER TABLE published.results.interval_censored_curves ALTER time_days TYPE DOUBLE;
           ALTER TABLE published.results.interval_censored_curves ALTER estimate TYPE DOUBLE"""
    )
    withhold_few(connection, "published", RULES, "shareable")
    assert asked(connection, "SELECT time_days, estimate, n, n_event FROM published.results.interval_censored_curves ORDER BY n") == [
        (182.5, None, 4, 1), (182.5, 0.1, 5, 1),
    ]  # fmt: skip


COUNTS = "endpoint, grouping, stratum, time_days, n_event, n_competing, n_censored"


def test_the_one_patient_who_leaves_on_a_day_is_not_found_in_the_counts_by_era(connection):
    study_id = blank(connection, 500)
    fill(
        connection,
        "marts.time_to_event",
        "study_id, endpoint, time_days, event_code",
        (study_id, "overall_survival", 2411, 0),
    )
    fill(
        connection, "marts.event_counts", COUNTS,
        ("overall_survival", "era", "1999-2005", 2411, 0, 0, 1), ("overall_survival", "margin_group", ">=10 mm", 2411, 0, 0, 1),
    )  # fmt: skip
    assert working(connection, "no_blank_is_told_by_counts") == [("marts.event_counts.era", 1)]
    done = withhold_groups_of_blanks(connection, "published", RULES)
    assert [attack for attack in attacks_on_blanks(connection, "published", RULES) if attack.n_recovered] == []
    # whose margin is seen is counted by her margin
    assert asked(connection, "SELECT DISTINCT grouping FROM published.marts.event_counts") == [("margin_group",)]
    assert ("marts.event_counts", 1) in {(one.table, one.n_rows) for one in done}


def test_table_one_less_the_patients_who_are_seen_does_not_tell_the_sex_of_the_one_who_is_not(connection):
    blank(connection, 500)
    fill(connection, "meta.table_one_variables", "position, column_name, label, kind", (1, "sex", "Sex", "words"))
    fill(
        connection, "results.table_one", TABLE_ONE,
        *(("Sex", level, "margin_group", stratum, "n (%)", f"{n} (50%)", n, 0, 0.1) for level, n in (("female", 1), ("male", 120))
          for stratum in (">=10 mm", "all")),
    )  # fmt: skip
    assert working(connection, "no_blank_is_told_by_table_one") == [("results.table_one.sex", 2)]
    withhold_groups_of_blanks(connection, "published", RULES)
    assert working(connection, "no_blank_is_told_by_table_one") == []
    assert strata_told(connection) == set()


def test_what_the_file_has_blank_of_everybody_table_one_still_tells_unless_it_is_rare(connection):
    connection.execute("UPDATE published.marts.index_operations SET era = NULL, procedure_type = NULL")
    fill(
        connection, "meta.table_one_variables", "position, column_name, label, kind",
        (1, "era", "Era", "words"), (2, "procedure_type", "Procedure", "words"),
    )  # fmt: skip
    told = {"Era": ("1999-2005", 9, 6), "Procedure": ("extended", 6, 3)}
    fill(
        connection, "results.table_one", TABLE_ONE,
        *((variable, level, "margin_group", stratum, "n (%)", f"{n} (5%)", n, 0, 0.1) for variable, (level, n_all, n_few) in told.items()
          for stratum, n in (("all", n_all), ("positive", n_few))),
    )  # fmt: skip
    withhold_groups_of_blanks(connection, "published", RULES)
    shown = "SELECT variable, stratum FROM published.results.table_one WHERE n IS NOT NULL ORDER BY ALL"
    assert asked(connection, shown) == [("Era", "all"), ("Era", "positive"), ("Procedure", "all")]


def test_hospitals_and_eras_of_blank_patients_are_no_rows_of_results(connection):
    blank(connection, 500)
    fill(
        connection, "results.hospital_hazard_ratios", "hospital, n, hazard_ratio", ("small", 30, 1.2), (None, 120, 1.1)
    )
    fill(
        connection,
        "results.specification_curve",
        "era, n, hazard_ratio",
        ("1999-2005", 30, 1.2),
        ("all eras", 120, 1.1),
    )
    fill(connection, "quality.recurrence_statement_totals", "source_system, n_recurred", ("small", 3), ("h", 50))
    fill(connection, "quality.stale_feeds", "source_system, feed", ("small", "registry"))
    withhold_groups_of_blanks(connection, "published", RULES)
    assert asked(connection, "SELECT hospital FROM published.results.hospital_hazard_ratios") == [(None,)]
    assert asked(connection, "SELECT era FROM published.results.specification_curve") == [("all eras",)]
    assert asked(connection, "FROM published.quality.recurrence_statement_totals") == []
    # a feed that stands still is of no patient
    assert asked(connection, "SELECT source_system FROM published.quality.stale_feeds") == [("small",)]


def three_of_a_small_hospital(connection: duckdb.DuckDBPyConnection) -> None:
    """And five with another primary, the next smallest group: the three alone would not be enough to hide among."""
    connection.execute(
        """UPDATE published.marts.index_operations SET primary_site = 'rectum' WHERE study_id >= 'P000000000115';
           UPDATE published.marts.index_operations SET source_system = 'small', has_calendar_dates = FALSE
           WHERE study_id <= 'P000000000002';
           UPDATE published.marts.patients SET source_system = 'small' WHERE study_id <= 'P000000000002'"""
    )


@pytest.mark.parametrize("schema", ["marts", "quality", "results", "meta"])
def test_whose_hospital_is_blank_is_of_no_hospital_in_any_table_of_any_schema(connection, schema):
    """Also in a table that nobody thought of when the rules were written."""
    three_of_a_small_hospital(connection)
    fill(
        connection, f"{schema}.anything", "study_id, source_system", ("P000000000000", "small"), ("P000000000050", "h")
    )
    generalise_until_k(connection, "published", RULES)
    assert asked(connection, "SELECT count(*) FROM published.marts.index_operations WHERE source_system = 'small'") == [
        (0,)
    ]
    assert asked(connection, f"SELECT source_system FROM published.{schema}.anything ORDER BY study_id") == [
        (None,),
        ("h",),
    ]
    assert working(connection, "no_blank_stands_elsewhere") == [("marts.index_operations.has_calendar_dates", 8)]
    connection.execute(
        f"UPDATE published.{schema}.anything SET source_system = 'small' WHERE study_id = 'P000000000000'"
    )
    assert (f"{schema}.anything.source_system", 1) in working(connection, "no_blank_stands_elsewhere")


def test_neither_a_hospitals_words_nor_its_kind_of_dates_tell_a_blank_hospital(connection):
    three_of_a_small_hospital(connection)
    words = "causes of death are not sent"
    fill(
        connection,
        "marts.endpoints_without_time",
        "study_id, endpoint, reason",
        ("P000000000000", "css", words),
        ("P000000000050", "css", "no end"),
    )
    fill(
        connection,
        "marts.not_derivable_endpoints",
        "source_system, endpoint, reason, n_patients",
        ("small", "css", words, 3),
    )
    generalise_until_k(connection, "published", RULES)
    assert working(connection, "no_reason_tells_a_hospital") == [("marts.endpoints_without_time.reason", 1)]
    withhold_groups_of_blanks(connection, "published", RULES)
    assert [attack for attack in attacks_on_blanks(connection, "published", RULES) if attack.n_recovered] == []
    assert asked(connection, "SELECT reason FROM published.marts.endpoints_without_time ORDER BY study_id") == [
        (None,),
        ("no end",),
    ]
    assert asked(connection, "FROM published.marts.not_derivable_endpoints") == []
    kinds = asked(
        connection,
        "SELECT has_calendar_dates, count(*) FROM published.marts.index_operations GROUP BY ALL ORDER BY ALL",
    )
    assert kinds == [(True, N_CLEAR - 8), (None, 8)]


def test_who_is_not_in_the_cohort_is_in_no_table_of_the_shareable_file(connection):
    connection.execute("INSERT INTO published.marts.patients VALUES ('P000000000900', 'h', 'male', FALSE)")
    fill(
        connection, "quality.listed_recurrence_statements", "study_id, source_system",
        ("P000000000900", "h"), ("P000000000901", "h"), ("P000000000050", "h"), (None, "h"),
    )  # fmt: skip
    coarsen(connection, "published", RULES.shareable)
    assert working(connection, "nobody_left_out_stands_elsewhere") == [
        ("quality.listed_recurrence_statements.study_id", 2)
    ]
    leave_strangers_out(connection, "published")
    assert working(connection, "nobody_left_out_stands_elsewhere") == []
    left = "SELECT study_id FROM published.quality.listed_recurrence_statements ORDER BY ALL"
    assert asked(connection, left) == [("P000000000050",), (None,)]


def test_one_moment_under_another_name_is_found(connection):
    connection.execute(
        "CREATE TABLE published.meta.publication AS SELECT TIMESTAMP '2026-11-28 03:10' AS published_at, published_at AS last_attempt_at"
    )
    coarsen(connection, "published", [step for step in RULES.shareable if step.column == "published_at"])
    assert working(connection, "moments_are_quarters") == [("meta.publication.last_attempt_at", 1)]
    coarsen(connection, "published", RULES.shareable)
    assert working(connection, "moments_are_quarters") == []


def test_every_moment_of_the_shareable_file_is_named_by_a_rule():
    """Of the tables that this project makes by itself; dbt's have days since an operation, and no moments: the attack looks at all."""
    named = {
        step.column for step in (*RULES.internal, *RULES.shareable) if step.rule in ("quarter", "blank", "withhold")
    }
    with duckdb.connect() as connection:
        create_raw_schema(connection)
        connection.execute(MAKE_TABLES)
        create_night_tables(connection)
        made = columns_by_table(connection)
    left_out, moments = {*RULES.shareable_leaves_out}, {"published_at", "last_attempt_at"}
    for table in published_tables():
        if f"{table.schema}.{table.name}" not in left_out:
            kinds = made.get((table.source_schema, table.source_name), {})
            moments |= {
                name for name, kind in kinds.items() if kind in ("TIMESTAMP", "DATE") and name not in table.without
            }
    assert {"accepted_at", "last_loaded_at"} <= moments
    assert moments <= named


def test_the_looking_through_refuses_a_shareable_file_as_it_was(connection):
    blank(connection, 500, has_calendar_dates=None)
    table_one_of(connection, unresolved=1, clear=120)
    fill(connection, "quality.anything", "study_id, source_system", ("P000000000500", "h"))
    found = leaks(connection, "published", "shareable", rules=RULES)
    assert "all tables: no_few_patients_are_described [results.table_one.n]" in found
    assert "all tables: no_blank_stands_elsewhere [quality.anything.source_system]" in found
    # the internal file is for who sees the patients' rows
    assert leaks(connection, "published", "internal") == []


def test_what_was_withheld_stands_in_the_file_with_its_number_of_rows(connection):
    table_one_of(connection, unresolved=1, clear=120)
    withheld = withhold_few(connection, "published", RULES, "internal")
    describe(connection, "published", "internal", RULES, [], DateAttacks([], [], []), withheld)
    told = "SELECT topic, subject, n_found, reason FROM published.quality.disclosure WHERE topic = 'withheld'"
    assert ("withheld", "results.table_one", 2, "so few patients are described one by one") in asked(connection, told)


def test_an_installations_older_copy_of_the_rules_withholds_as_the_projects_own(tmp_path: Path):
    copy = tmp_path / "mine.yml"
    text = Path("orchestration/privacy/disclosure.yml").read_text(encoding="utf-8")
    copy.write_text(
        text[: text.index("# What else stands in the shareable file")].replace("least_k: 5", "least_k: 10"),
        encoding="utf-8",
    )
    assert disclosure_rules(copy) == replace(RULES, least_k=10)
