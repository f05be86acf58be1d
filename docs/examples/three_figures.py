"""The report's three main figures, redrawn from the published file: `marimo edit docs/examples/three_figures.py`."""

import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo

    from analysis import figures
    from orchestration.reporting.notebook import open_published

    warehouse = open_published()
    incidence = warehouse.sql("FROM results.cumulative_incidence").df()
    recurrence = figures.cumulative_incidence_chart(incidence, warehouse.shown("overall_recurrence"))
    exposure = warehouse.plan().exposures[0]
    ratios = figures.forest_chart(warehouse.sql("FROM results.published_comparison").df(), exposure)
    patterns = figures.initial_pattern_chart(warehouse.sql("FROM results.recurrence_patterns").df(), exposure)
    mo.vstack([recurrence, ratios, patterns])
    return patterns, ratios, recurrence


if __name__ == "__main__":
    app.run()
