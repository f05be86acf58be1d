"""The published estimates tonight beside those of the last accepted night, and which feeds changed most meanwhile."""

import duckdb

EVERYWHERE = "all hospitals"
MOST_CHANGES_NAMED = 3
ESTIMATES = """
    SELECT endpoint AS field, landmark_label || ', ' || stratum AS value, estimate AS n, std_error AS denominator
    FROM results.landmark_estimates
    WHERE grouping IN ('overall', 'margin_group') AND stratum <> 'unresolved' AND estimate IS NOT NULL AND std_error IS NOT NULL
    UNION ALL
    -- a ratio moves on the logarithmic scale
    SELECT endpoint, 'log hazard ratio of ' || term, ln(hazard_ratio), ln(conf_high / conf_low) / (2 * 1.96)
    FROM results.hazard_ratios
    WHERE model = 'adjusted' AND estimand = 'cause-specific' AND starts_with(term, 'margin')
      AND hazard_ratio > 0 AND conf_low > 0 AND isfinite(conf_high)
"""
"""The estimates that readers quote, one row each: its endpoint, its name, what it is, its standard error."""
CHANGES = """
    SELECT array_to_string(list(told ORDER BY share DESC, told)[:{most}], ', ') FROM (
        SELECT concat_ws('.', feed, field) || ' ' || format('{{:,}}', CAST(n AS BIGINT)) || ' '
               || CASE measure WHEN 'corrected' THEN 'corrected' WHEN 'records_new' THEN 'new' ELSE 'no longer sent' END AS told,
               n / nullif(denominator, 0) AS share
        FROM quality.night_profile
        WHERE measure IN ('corrected', 'records_new', 'records_no_longer_sent') AND stage = 'landing' AND n > 0
    )
"""


def profile_estimates(connection: duckdb.DuckDBPyConnection) -> None:
    """Replace the rows of stage `results` in quality.night_profile: measure `estimate`, n the estimate and denominator its standard
    error, tonight and (as reference) in the last accepted night; `told` names the feeds that changed most."""
    connection.execute("DELETE FROM quality.night_profile WHERE stage = 'results' OR stage IS NULL")
    changes = connection.execute(CHANGES.format(most=MOST_CHANGES_NAMED)).fetchall()[0][0]
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            WITH last_night AS (
                SELECT field, value, n, denominator FROM quality.night_history
                WHERE stage = 'results' AND measure = 'estimate'
                QUALIFY night = max(night) OVER ()
            )
            SELECT 'results' AS stage, 'estimate' AS measure, $hospital AS hospital, 'results' AS feed, tonight.*,
                   -- what was not estimated before has not moved
                   coalesce(before.n, tonight.n) AS n_reference, coalesce(before.denominator, tonight.denominator) AS denominator_reference,
                   $told AS told
            FROM ({ESTIMATES}) AS tonight LEFT JOIN last_night AS before USING (field, value)""",
        {"hospital": EVERYWHERE, "told": changes or "no feed brought anything new"},
    )
