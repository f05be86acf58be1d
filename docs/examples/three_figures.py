"""The report's three main figures, redrawn from the published file: `marimo edit docs/examples/three_figures.py`."""

import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo

    from analysis import figures
    from analysis.figures.curves import Shown
    from analysis.patients.plan import exposures_of
    from orchestration.reporting.notebook import open_published

    warehouse = open_published()
    exposure = exposures_of(warehouse.sql("FROM meta.exposures").df())[0]
    ((days_a_year,),) = warehouse.sql(
        "SELECT value::DOUBLE FROM meta.analysis_plan WHERE name = 'days_a_year'"
    ).fetchall()
    recurrence = figures.cumulative_incidence_chart(
        warehouse.sql("FROM results.cumulative_incidence").df(), Shown("overall_recurrence", exposure, days_a_year)
    )
    ratios = figures.forest_chart(warehouse.sql("FROM results.published_comparison").df(), exposure)
    patterns = figures.initial_pattern_chart(warehouse.sql("FROM results.recurrence_patterns").df(), exposure)
    mo.vstack([recurrence, ratios, patterns])
    return patterns, ratios, recurrence


if __name__ == "__main__":
    app.run()
