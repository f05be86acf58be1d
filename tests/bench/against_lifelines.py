"""Processor seconds of lifelines on rows.csv of a folder, the least of some tries, as JSON: python against_lifelines.py FOLDER TRIES.

It wants pandas below 3 and cannot stand in the project's environment: an interpreter of its own runs this (LIFELINES_PYTHON).
"""

import json
import sys
import time
import warnings

import pandas as pd
from lifelines import AalenJohansenFitter, CoxPHFitter, KaplanMeierFitter


def least_seconds(work, tries: int) -> float:
    """The least of a few tries."""
    spent = []
    for _ in range(tries):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def kaplan_meier(rows: pd.DataFrame) -> None:
    """A curve with its limits a group."""
    for _, group in rows.groupby("group"):
        fitter = KaplanMeierFitter().fit(group["time"], group["code"] > 0)
        _ = fitter.survival_function_, fitter.confidence_interval_


def aalen_johansen(rows: pd.DataFrame) -> None:
    """The same of the cumulative incidence."""
    for _, group in rows.groupby("group"):
        fitter = AalenJohansenFitter(calculate_variance=True).fit(group["time"], group["code"], event_of_interest=1)
        _ = fitter.cumulative_density_, fitter.confidence_interval_


def main() -> None:
    """Measure what lifelines has: it knows neither Gray's test nor Fine and Gray's model."""
    warnings.simplefilter("ignore")
    folder, tries = sys.argv[1], int(sys.argv[2])
    rows = pd.read_csv(f"{folder}/rows.csv")
    terms = [name for name in rows if name.startswith("x")]
    model = rows[["time", *terms]].assign(event=rows["code"] == 1)
    seconds = {
        "Kaplan-Meier: lifelines": least_seconds(lambda: kaplan_meier(rows), tries),
        "cumulative incidence: lifelines": least_seconds(
            lambda: aalen_johansen(rows), tries if len(rows) < 50_000 else 1
        ),
        "Cox: lifelines": least_seconds(lambda: CoxPHFitter().fit(model, "time", "event"), tries),
    }
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
