"""The report's answers on effects: the tests of the plan, absolute risks, hospital by hospital, salvage over time."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.curves.weighted_incidence import CRUDE, STANDARDISED
from analysis.figures.forest import hazard_ratio_text
from analysis.models.between_hospitals import OF_HOSPITAL
from analysis.report.availability import NotAvailable, frame_of, row_at
from analysis.report.definitions import definitions, rows_of
from analysis.report.formats import NOT_AVAILABLE, count, is_missing, p_value

Results = Mapping[str, pd.DataFrame]
SHOWN_LANDMARK = "3 years"


def planned_tests(results: Results) -> dict[str, Any]:
    """A line an endpoint: its role in the plan, its test, P as it is and adjusted within the secondary family."""
    columns = "endpoint analysis_role test p_value p_value_adjusted n n_event"
    table, known = frame_of(results, "planned_tests", columns), definitions(results)
    lines = [
        {
            "label": known.label(row.endpoint),
            "role": row.analysis_role,
            "test": row.test,
            "n_event": count(row.n_event),
            "p": p_value(row.p_value),
            "adjusted": "" if is_missing(row.p_value_adjusted) else p_value(row.p_value_adjusted),
        }
        for row in table.itertuples()
    ]
    return {"lines": lines}


def absolute_risks(results: Results) -> dict[str, Any]:
    """A panel an endpoint with a standardised difference: crude and standardised differences at three years in points."""
    columns = "endpoint grouping stratum standardisation landmark_label risk_difference conf_low conf_high"
    table = frame_of(results, "risk_differences", columns)
    known = definitions(results)
    compared = known.exposure.compared
    table = rows_of(table, known.exposure)
    table = table[table["landmark_label"] == SHOWN_LANDMARK]
    panels = []
    for endpoint, rows in table.groupby("endpoint", sort=False):
        lines = []
        for kind in (CRUDE, STANDARDISED):
            of_kind = rows[rows["standardisation"] == kind].set_index("stratum")
            if len(of_kind):
                lines.append({"label": kind, "cells": [_points(of_kind, group) for group in compared]})
        if len(lines) > 1:
            panels.append({"label": known.label(endpoint), "lines": lines})
    if not panels:
        raise NotAvailable("no difference could be standardised: see results.analyses_not_done")
    return {"panels": panels, "compared": compared, "strata": compared, "landmark": SHOWN_LANDMARK}


def hospitals(results: Results) -> dict[str, Any]:
    """A panel an endpoint: each hospital's adjusted ratios, the stratified and the random-effects ones, I2 and prediction."""
    columns = (
        "endpoint model term summary hospital hazard_ratio conf_low conf_high i_squared prediction_low prediction_high"
    )
    table = frame_of(results, "hospital_hazard_ratios", columns)
    known = definitions(results)
    exposure = known.exposure
    table = table[(table["model"] == "adjusted") & table["term"].isin(exposure.terms)]
    panels = []
    for endpoint, rows in table.groupby("endpoint", sort=False):
        lines = []
        for (summary, hospital), of_line in rows.fillna({"hospital": ""}).groupby(["summary", "hospital"], sort=False):
            by_term = of_line.set_index("term")
            label = hospital if summary == OF_HOSPITAL else summary
            lines.append(
                {"label": label, "cells": [_ratio(by_term, exposure.term(group)) for group in exposure.compared]}
            )
        panels.append({"label": known.label(endpoint), "lines": lines, "notes": _notes(rows)})
    return {"panels": panels, "compared": exposure.compared}


def _notes(rows: pd.DataFrame) -> str:
    known = rows[rows["i_squared"].notna()]
    texts = []
    for row in known.itertuples():
        text = f"{row.term}: I² {row.i_squared:.0%}"
        if not is_missing(row.prediction_low):
            text += f", a further hospital {row.prediction_low:.2f}-{row.prediction_high:.2f}"
        texts.append(text)
    return "; ".join(texts)


def _points(by_stratum: pd.DataFrame, group: str) -> str:
    if group not in by_stratum.index or is_missing(by_stratum.loc[group, "risk_difference"]):
        return NOT_AVAILABLE
    row = 100 * by_stratum.loc[group, ["risk_difference", "conf_low", "conf_high"]].astype(float)
    return f"{row['risk_difference']:+.0f} ({row['conf_low']:+.0f} to {row['conf_high']:+.0f})"


def _ratio(by_term: pd.DataFrame, term: str) -> str:
    if term not in by_term.index or is_missing(by_term.loc[term, "hazard_ratio"]):
        return NOT_AVAILABLE
    row = row_at(by_term, term)
    return hazard_ratio_text(row["hazard_ratio"], row["conf_low"], row["conf_high"])
