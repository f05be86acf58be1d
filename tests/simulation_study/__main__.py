"""`make simulation-study`: draws the cohorts, fits the models, writes docs/simulation_study.md."""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd
from rich.progress import track

from tests.simulation_study.study import (
    COVERAGE_WANTED,
    LATE_DEATH_AFTER_DAYS,
    SHARE_ENDED_EARLY,
    SHARE_WITHOUT_SITE,
    STUDIES,
    estimates_of,
    recovery,
    true_log_ratios,
)

HEAD = """# Parameter recovery on simulated cohorts

**Simulated data: no patient is in these numbers.** Independent cohorts of {n_patients:,} patients, drawn from the simulated hospital's
model, each analysed with the warehouse's own adjusted cause-specific Cox model, stratified by hospital. Made by `make simulation-study`.
The first seed is the command's default and was not chosen by its results. Bias is on the log scale; Monte-Carlo errors in brackets. 95 %
limits should cover the truth in 95 % of cohorts. The logarithm of a ratio that rests on d events in its group is itself biased by about
-1 / (2 d): some hundredths for a dozen.

The first study is one hospital of which all is known. In the second, half of the patients are of a hospital whose patients recur three
times as often whatever their margin and whose margins are narrower; looks end early (within five years) for {ended:.0f} % of the
patients, whose deaths stay known (a death more than {late} days after the last look censors at that look); {unstated:.0f} % of
recurrences have no site and compete with the initial patterns. The ratios of the initial patterns are those built in at both hospitals;
that of liver recurrence at any time depends on the baseline, and its truth is the stratified ratio of one evenly drawn cohort of 131,072
of which all is known. What is known of a coverage outside the limits stands in [statistics.md](statistics.md), among the limits.
"""
TABLE = """
## {study}

{n_cohorts:,} cohorts, seeds {first} to {last}; coverage itself has an error of about {error:.1f} points.
**Coverage within {low:.0f} to {high:.0f} %: {n_within} of {n_ratios} ratios.**

| endpoint | margin | true HR | bias (MC error) | empirical SE | model SE | coverage % (error) | within {low:.0f}-{high:.0f} | no estimate |
|---|---|---|---|---|---|---|---|---|
"""


def main() -> None:
    """Run the studies asked for."""
    parser = argparse.ArgumentParser(
        description="Do the models find the hazard ratios that the cohorts were drawn with?"
    )
    parser.add_argument("--cohorts", type=int, default=1000, help="number of cohorts a study")
    parser.add_argument("--patients", type=int, default=1776, help="patients a cohort")
    parser.add_argument("--seed", type=int, default=30_000, help="seed of the first cohort")
    parser.add_argument("--processes", type=int, default=2, help="cohorts analysed at a time")
    parser.add_argument("--studies", type=int, nargs="+", choices=(1, 2), default=(1, 2), help="only these")
    parser.add_argument("--out", type=Path, default=Path("docs/simulation_study.md"), help="where the tables go")
    chosen = parser.parse_args()
    text = HEAD.format(
        n_patients=chosen.patients,
        late=LATE_DEATH_AFTER_DAYS,
        ended=100 * SHARE_ENDED_EARLY,
        unstated=100 * SHARE_WITHOUT_SITE,
    )
    for number in chosen.studies:
        text += table_of(
            STUDIES[number - 1], range(chosen.seed, chosen.seed + chosen.cohorts), chosen.patients, chosen.processes
        )
    chosen.out.write_text(text, encoding="utf-8")


def table_of(study: str, seeds: range, n_patients: int, n_processes: int) -> str:
    """The chapter of one study."""
    with ProcessPoolExecutor(n_processes) as pool:
        estimated = pool.map(partial(estimates_of, n_patients=n_patients, study=study), seeds, chunksize=5)
        frames = list(track(estimated, study, total=len(seeds)))
    table = recovery(pd.concat(frames, ignore_index=True), true_log_ratios(study))
    print(f"{study}: coverage {100 * table['coverage'].min():.1f} to {100 * table['coverage'].max():.1f} %")
    low, high = (100 * share for share in COVERAGE_WANTED)
    head = TABLE.format(
        study=study[0].upper() + study[1:],
        n_cohorts=len(seeds),
        first=seeds[0],
        last=seeds[-1],
        low=low,
        high=high,
        error=100 * (0.95 * 0.05 / len(seeds)) ** 0.5,
        n_within=int(table["is_coverage_within"].sum()),
        n_ratios=len(table),
    )
    return head + rows_of(table)


def rows_of(table: pd.DataFrame) -> str:
    """The table's lines in Markdown."""
    return "".join(
        f"| {row.endpoint.replace('_', ' ')} | {row.margin_group} | {row.true_hazard_ratio:.2f} | {row.bias:+.3f} ({row.bias_error:.3f}) "
        f"| {row.empirical_std_error:.3f} | {row.model_std_error:.3f} | {100 * row.coverage:.1f} ({100 * row.coverage_error:.1f}) "
        f"| {'yes' if row.is_coverage_within else 'NO'} | {row.n_without_estimate} |\n"
        for row in table.itertuples()
    )


if __name__ == "__main__":
    main()
