"""How many records that were there in the last accepted night say something else tonight, by feed and field, and in what way.

The strongest sign of a broken feed: swapped codes, shifted dates, another hospital's file all look like a mass correction.
"""

import duckdb

from orchestration.night_profile.records import Feed, stage_feed

MOST_WAYS_NAMED = 3
# How a value changed, in words that name no value of a patient: codes are words of the contract, everything else is told by
# its direction or by its factor.
WAY_OF_TYPE = {
    "code": "before || ' to ' || after",
    "code_list": "before || ' to ' || after",
    "date": """CASE
        WHEN TRY_CAST(after AS DATE) IS NULL OR TRY_CAST(before AS DATE) IS NULL THEN 'another date'
        WHEN after[:4] = before[:4] AND after[6:7] = before[9:10] AND after[9:10] = before[6:7] THEN 'day and month swapped'
        WHEN after[6:10] = '01-01' THEN 'to the first of January'
        WHEN after[9:10] = '01' THEN 'to the first of the month'
        ELSE CASE WHEN after > before THEN '+' ELSE '-' END
            || format('{:,}', abs(CAST(after AS DATE) - CAST(before AS DATE))) || ' days' END""",
    "number": """CASE
        WHEN TRY_CAST(after AS DOUBLE) IS NULL OR TRY_CAST(before AS DOUBLE) IS NULL THEN 'another number'
        WHEN CAST(before AS DOUBLE) = 0 THEN 'from 0'
        WHEN CAST(after AS DOUBLE) = 0 THEN 'to 0'
        WHEN CAST(after AS DOUBLE) IN (9, 99, 999) AND abs(CAST(after AS DOUBLE) / CAST(before AS DOUBLE)) NOT IN (0.1, 10)
            THEN 'to ' || after
        WHEN CAST(after AS DOUBLE) = -CAST(before AS DOUBLE) THEN 'sign turned'
        ELSE 'times ' || CASE WHEN CAST(after AS DOUBLE) / CAST(before AS DOUBLE) BETWEEN 0.35 AND 3
                THEN CAST(round(CAST(after AS DOUBLE) / CAST(before AS DOUBLE), 1) AS VARCHAR)
                ELSE CAST(CAST(printf('%.1g', CAST(after AS DOUBLE) / CAST(before AS DOUBLE)) AS DOUBLE) AS VARCHAR) END END""",
    "observations": """CASE
        WHEN regexp_replace(before, '(?i)\\bcm\\b', 'mm', 'g') = regexp_replace(after, '(?i)\\bcm\\b', 'mm', 'g')
            THEN CASE WHEN regexp_matches(after, '(?i)\\bcm\\b') THEN 'mm became cm' ELSE 'cm became mm' END
        WHEN regexp_replace(before, '[<>]|&[lg]t;', '', 'g') = regexp_replace(after, '[<>]|&[lg]t;', '', 'g') THEN 'signs < and > changed'
        WHEN regexp_replace(before, '[.,]', '', 'g') = regexp_replace(after, '[.,]', '', 'g') THEN 'points and commas changed'
        WHEN lower(before) = lower(after) THEN 'capitals changed'
        WHEN regexp_replace(before, '\\d', '', 'g') = regexp_replace(after, '\\d', '', 'g') THEN 'numbers changed'
        WHEN length(after) < 0.8 * length(before) THEN 'shorter text'
        ELSE 'other words' END""",
    "mrn": "'another patient'",
    "text": "'another text'",
}
# What may change in the course of things: a patient dies, is seen again; a report that was not final is; an answer is revised.
NATURAL = {
    ("vital_status", "vital_status"): "before = 'alive' AND after = 'dead'",
    ("vital_status", "last_contact_date"): "after > before",
    ("pathology_messages", "report_status"): "after IN ('final', 'corrected') AND before <> 'cancelled'",
    ("margin_adjudications", "margin_group"): "TRUE",
    ("margin_adjudications", "margin_mm"): "TRUE",
    ("follow_up_adjudications", "answer"): "TRUE",
    ("follow_up_adjudications", "sites"): "TRUE",
    ("follow_up_adjudications", "evidence_date"): "TRUE",
}


def _type(field: str, type_: str) -> str:
    if field == "mrn":
        return "mrn"
    kinds = {"timestamp": "date", "integer": "number", "decimal": "number"}
    return kinds.get(type_, type_)


def count_corrections(connection: duckdb.DuckDBPyConnection, feed: Feed) -> bool:
    """Into night_changes: hospital, feed, field, kind (corrected | emptied | filled | moved_on), n, and the commonest ways; each
    change in the temporary table changed_values. False where no record that was there before was sent again.

    Reads what `stage_feed` made.
    """
    connection.execute(
        """CREATE TEMP TABLE IF NOT EXISTS night_changes (
               hospital VARCHAR, feed VARCHAR, field VARCHAR, kind VARCHAR, n BIGINT, ways VARCHAR, n_commonest_step BIGINT)"""
    )
    if not connection.execute("SELECT count(*) FROM records_before").fetchall()[0][0]:
        return False
    pairs = ", ".join(
        f"{{'field': '{name}', 'kind': '{_type(name, type_)}', 'before': b.{name}, 'after': a.{name}}}"
        for name, type_ in feed.fields.items()
    )
    ways = " ".join(f"WHEN '{kind}' THEN {sql}" for kind, sql in WAY_OF_TYPE.items())
    natural = " OR ".join(
        f"(field = '{field}' AND {condition})" for (name, field), condition in NATURAL.items() if name == feed.name
    )
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE changed_values AS
            WITH pairs AS (
                SELECT b.source_system, unnest(list_filter([{pairs}], x -> x.before IS DISTINCT FROM x.after), recursive := TRUE)
                FROM records_before AS b INNER JOIN records_after AS a USING (source_system, system, record_key)
            )
            SELECT source_system, field, kind, before, after,
                   CASE WHEN before IS NULL THEN 'filled' WHEN {natural or "FALSE"} THEN 'moved_on'
                        WHEN after IS NULL THEN 'emptied' ELSE 'corrected' END AS change,
                   CASE WHEN before IS NULL THEN 'filled' WHEN after IS NULL THEN 'emptied' ELSE CASE kind {ways} END END AS way
            FROM pairs;
            INSERT INTO night_changes
            WITH told AS (
                SELECT source_system, field, change, way, kind = 'date' AND way LIKE '%days' AS is_step FROM changed_values
            ),
            ways AS (
                SELECT source_system, field, CASE change WHEN 'emptied' THEN 'corrected' ELSE change END AS kind, way,
                       is_step, count(*) AS n
                FROM told GROUP BY ALL
            )
            SELECT source_system, '{feed.name}', field, kind, sum(n),
                   array_to_string(list(way || ' ' || format('{{:,}}', n) ORDER BY n DESC, way)[:{MOST_WAYS_NAMED}], ', '),
                   coalesce(max(n) FILTER (WHERE is_step), 0)
            FROM ways GROUP BY ALL"""
    )
    return True


def count_recoded(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """The measure `code_recoded`: of the records that had a code in the last accepted night (alone, or in their list), how many do
    not tonight. A rare code that all turned into another is few records of the feed, and all of its own.

    Reads what `stage_feed` and `count_corrections` made.
    """
    changed = {field for (field,) in connection.execute("SELECT DISTINCT field FROM changed_values").fetchall()}
    for field in [name for name, type_ in feed.fields.items() if type_ in ("code", "code_list") and name in changed]:
        connection.execute(
            f"""INSERT INTO quality.night_profile BY NAME
                WITH changes AS (
                    SELECT source_system AS hospital, change, way, string_split(coalesce(before, ''), ';') AS was,
                           string_split(coalesce(after, ''), ';') AS became
                    FROM changed_values WHERE field = $field
                ),
                lost AS (
                    SELECT hospital, change, way, unnest(list_filter(was, x -> NOT list_contains(became, x))) AS value FROM changes
                ),
                gone AS (
                    SELECT hospital, value, count(*) AS n_all, count(*) FILTER (WHERE change <> 'moved_on') AS n,
                           mode(way ORDER BY way) AS told
                    FROM lost WHERE value <> '' GROUP BY ALL
                ),
                come AS (
                    SELECT hospital, value, count(*) AS n FROM (
                        SELECT hospital, unnest(list_filter(became, x -> NOT list_contains(was, x))) AS value FROM changes) GROUP BY ALL
                ),
                existing AS (
                    SELECT hospital, value, count(*) AS n FROM (
                        SELECT source_system AS hospital, unnest(string_split({field}, ';')) AS value
                        FROM records_now WHERE NOT is_new) GROUP BY ALL
                )
                SELECT 'code_recoded' AS measure, hospital, $feed AS feed, $field AS field, value, gone.n,
                       gone.n_all + coalesce(existing.n, 0) - coalesce(come.n, 0) AS denominator, gone.told
                FROM gone LEFT JOIN come USING (hospital, value) LEFT JOIN existing USING (hospital, value) WHERE gone.n > 0""",
            {"feed": feed.name, "field": field},
        )


def stage_and_count(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """The feed's records, and its corrections."""
    stage_feed(connection, feed)
    if count_corrections(connection, feed):
        count_recoded(connection, feed)
