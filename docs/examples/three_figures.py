"""The report's three main figures, redrawn from the published file: `marimo edit docs/examples/three_figures.py`."""

import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo

    from analysis import figures
    from orchestration.notebook import open_published

    warehouse = open_published()
    recurrence = figures.cumulative_incidence_chart(
        warehouse.sql("FROM results.cumulative_incidence").df(), "overall_recurrence"
    )
    ratios = figures.forest_chart(warehouse.sql("FROM results.published_comparison").df(), {})
    patterns = figures.initial_pattern_chart(warehouse.sql("FROM results.recurrence_patterns").df())
    mo.vstack([recurrence, ratios, patterns])
    return patterns, ratios, recurrence


if __name__ == "__main__":
    app.run()
