"""Each rule of the translation on literal rows: the engine answers as DuckDB does."""

import re
from pathlib import Path

import duckdb
import pytest

from orchestration.engines.spark.cursor import translated
from orchestration.engines.spark.duckdb_spelling import parsed
from orchestration.engines.spark.flavours import SPARK, flavour_of
from orchestration.engines.spark.patterns import java, rust
from orchestration.engines.spark.report_reading import FUNCTION
from orchestration.engines.spark.rules.known_functions import KNOWN_FUNCTIONS, functions_of
from orchestration.engines.spark.rules.untranslatable import Untranslatable
from orchestration.engines.spark.translate import to_spark

HERE = Path(__file__).parent


def questions() -> dict[str, str]:
    """Name -> query."""
    text = (HERE / "questions.sql").read_text(encoding="utf-8").split("\n\n", 1)[1]
    return dict(re.findall(r"^-- (.+)\n((?:(?!-- ).*\n)*?(?!-- ).*);$", text, re.MULTILINE))


QUESTIONS = questions()


def answers(rows) -> list[str]:
    return sorted(repr(tuple(plain(value) for value in row)) for row in rows)


def plain(value):
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return (
        float(value)
        if isinstance(value, int | float) and not isinstance(value, bool) or hasattr(value, "as_tuple")
        else value
    )


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_engine_answers_as_duckdb_does(question: str, spark):
    flavour = flavour_of(spark.sql("select version()").collect()[0][0])
    with duckdb.connect() as connection:
        told = connection.execute(QUESTIONS[question]).fetchall()
    assert answers(spark.sql(to_spark(QUESTIONS[question], flavour)).collect()) == answers(told)


def test_every_function_that_may_be_asked_of_an_engine_is_asked_of_both_here():
    asked = {name for question in QUESTIONS.values() for name in functions_of(parsed(question))}
    # asked in test_phrases.py
    assert KNOWN_FUNCTIONS - asked == {FUNCTION}


# what means something else on another engine, or nothing, is refused by name and never translated silently
REFUSED = {
    "regexp_replace without the option 'g'": "select regexp_replace(a, 'x', 'y') from t",
    "a pattern that is no literal": "select regexp_matches(a, b) from t",
    "a text split at what is no literal": "select string_split(a, b) from t",
    "string_agg(distinct ...) in an order": "select string_agg(distinct a, ',' order by b) from t",
    "an aggregate in descending order": "select string_agg(a, ',' order by b desc) from t",
    "a list in an order that is not": "select list(a order by b) from t",
    "QUALIFY on a star": "select * from t qualify row_number() over (order by a) = 1",
    "several lists unnested": "select unnest(a), unnest(b) from t",
    "without FROM": "select unnest(['a'])",
    "cast to a whole one": "select cast(a / 2 as integer) from t",
    "round() or floor()": "select cast(2.5 * a as bigint) from t",
    "another unit than days": "select date_diff('month', a, b) from t",
    "negative number of letters": "select left(a, -1) from t",
    "numbered otherwise": "select extract(dow from a) from t",
    "matches nothing at all": "select regexp_replace(a, 'x*', '-', 'g') from t",
    "substr from place 0": "select substr(a, 0, 2) from t",
    "no place from 1 on": "select a[-1] from t",
    "LIKE with a pattern": "select a like b from t",
    "with ESCAPE": "select a like 'x!_' escape '!' from t",
    "other than two lists": "select list_concat(a, b, c) from t",
    "not flattened": "select list(a) over (order by b) from t",
    "generate_subscripts of another list": "select unnest(a), generate_subscripts(b, 1) from t",
    "regexp_replace by what is no literal": "select regexp_replace(a, 'x', b, 'g') from t",
    "an unnested list without names": "select a.k from a cross join unnest(a.x)",
    "functions that no rule knows: strip_accents": "select strip_accents(a) from t",
    "no rule knows: timetostr": "select strftime(a, '%Y') from t",
    "types that no rule knows: UUID": "select cast(a as uuid) from t",
    "EXCLUDE clause": "select sum(a) over (order by b rows 1 preceding exclude current row) from t",
    # in what a rule puts together too
    "'count' is not supported": "select 1 / max(a, 3) from t",
    "with options (flag)": "select regexp_matches(a, 'x', 'i') from t",
    "with options (parameters)": "select regexp_extract(a, '(x)', 1, 'i') from t",
    "with options (limit)": "select string_split_regex(a, 'x', 'i') from t",
    "counts from 1": "select list_filter(a, (x, i) -> i > 1) from t",
    "a sample of rows": "select a from t using sample 10%",
    "without a separator": "select string_agg(a) from t",
    "beside a star": "select * from t cross join unnest(a) as u (b)",
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_kept_is_refused(reason: str):
    with pytest.raises(Untranslatable, match=re.escape(reason)):
        to_spark(REFUSED[reason], SPARK)


# Spark itself is not on every machine that runs these tests: its patterns literally
JAVA_PATTERNS = {
    r"\bmets\b": f"(?d){java.WORD_BOUNDARY}mets{java.WORD_BOUNDARY}",
    "[[:alnum:]]+$": r"(?d)[\p{Alnum}]+\z",
    r"[\s[]": r"(?d)[\t\n\f\r \[]",
    r"\s\S[^]a]": r"(?d)[\t\n\f\r ][^\t\n\f\r ][^\]a]",
    "(?i)été": "(?d)(?iu)été",
    "[a&&b]": r"(?d)[a\&&b]",
}


@pytest.mark.parametrize("pattern", JAVA_PATTERNS)
def test_a_pattern_in_javas_spelling(pattern: str):
    assert java.pattern(pattern) == JAVA_PATTERNS[pattern]


def test_a_replacement_in_javas_and_in_rusts_spelling():
    assert java.replacement(r"\2 costs $5, \12") == r"$2 costs \$5, $1\2"
    assert rust.replacement(r"\2 costs $5, \12") == "${2} costs $$5, ${1}2"


def test_stars_are_written_out_by_the_columns_that_the_engine_tells():
    columns = {"s.t": {"a": "INT", "b": "INT", "c": "INT"}}
    left_out = to_spark("select * exclude (b) from build.s.t", SPARK, columns.__getitem__)
    replaced = to_spark("select * replace (a + 1 as b) from s.t", SPARK, columns.__getitem__)
    assert left_out == "SELECT t.a AS a, t.c AS c FROM s.t AS t"
    assert replaced == "SELECT t.a AS a, t.a + 1 AS b, t.c AS c FROM s.t AS t"


def test_a_union_by_name_is_put_in_order_and_one_of_other_columns_is_refused():
    columns = {"s.t": {"a": "INT", "b": "INT"}}
    told = to_spark("select a, b from s.t union all by name select b, a from s.t", SPARK, columns.__getitem__)
    assert told == "SELECT t.a AS a, t.b AS b FROM s.t AS t UNION ALL SELECT t.a AS a, t.b AS b FROM s.t AS t"
    with pytest.raises(Untranslatable, match="different columns"):
        to_spark("select a, b from s.t union all by name select a from s.t", SPARK, columns.__getitem__)


@pytest.mark.parametrize("place", ["", "using delta ", "using parquet location '/a folder/made/s.t' "])
def test_what_a_table_is_made_of_is_translated_wherever_it_is_made(place: str):
    told, is_writing = translated(f"/* dbt */ create table s.t {place}as select a // 2 as n from s.u", SPARK, {}.get)
    assert is_writing
    assert told == f"create table s.t {place}as SELECT a DIV 2 AS n FROM s.u"


def test_hashes_have_64_bits_and_sums_of_them_do_not_overflow():
    assert to_spark("select sum(hash(a, 'x')) as n from s.t", SPARK) == (
        "SELECT SUM(CAST(XXHASH64(a IS NULL, a, 'x') AS DECIMAL(38, 0))) AS n FROM s.t"
    )
