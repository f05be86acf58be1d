"""How long, how completely and how often patients were followed, by exposure: a difference may bias every curve."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from analysis.curves.group_tests import logrank_test
from analysis.curves.kaplan_meier import median_follow_up
from analysis.curves.stratified_tests import stratified_logrank_test
from analysis.patients.collapsed_counts import EVERYBODY, require_columns
from analysis.patients.exposures import Exposure
from analysis.patients.model_rows import HOSPITAL_COLUMN, hospital_strata
from analysis.tables.checks import require_one_row_a_patient
from analysis.tables.proportions import wilson_limits
from analysis.tables.within_hospitals import association_test, ranks_within

ALL = "all"
FOLLOW_UP_COLUMNS = [
    "grouping", "stratum", "n", "n_dead", "median_follow_up_days", "median_follow_up_low", "median_follow_up_high", "completeness_index",
    "n_lost", "n_lost_not_known", "share_lost", "share_lost_low", "share_lost_high", "assessment_interval_q1_days",
    "assessment_interval_median_days", "assessment_interval_q3_days", "length_p_value", "loss_p_value", "interval_p_value",
    "is_within_hospitals", "is_informative_difference", "n_late_deaths", "share_late_deaths", "median_days_from_last_look_to_death",
]  # fmt: skip

LATE_DEATH_COLUMNS = ("n_late_deaths", "share_late_deaths", "median_days_from_last_look_to_death")


def follow_up_quality(
    follow_up: pd.DataFrame,
    event_counts: pd.DataFrame,
    exposure: Exposure,
    significant_below_p: float,
    counts_by_hospital: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row a level of the exposure, one for those of whom it is not known, one for all patients.

    - median_follow_up_days with limits: reverse Kaplan-Meier of overall survival (Schemper and Smith 1996, Control Clin Trials 17:343).
    - completeness_index: Clark's C, followed over potential person-time (Clark, Altman and De Stavola 2002, Lancet 359:1309);
      of the dead the potential time ends with death. Patients without potential time are left out of both sums.
    - share_lost with Wilson's limits, of those of whom it is known.
    - assessment_interval_*: quartiles over patients of their median days between looks for disease.
    - n_late_deaths: deaths so long after the last look that they are not known to be without recurrence (marts.follow_up says how long),
      and their share of all deaths; median_days_from_last_look_to_death of the dead who were looked at. Missing where the mart lacks them.
    - length_p_value: log-rank test of the reverse Kaplan-Meier curves of the levels; loss_p_value: Pearson's chi-square
      of loss by group, without continuity correction (R: chisq.test(correct = FALSE)); interval_p_value: Kruskal and Wallis' test
      of the patients' intervals between looks (R: kruskal.test). From two hospitals on (`is_within_hospitals`) all three compare patients
      within hospitals only: a hospital that follows longer or looks more often is no difference between its margin groups. They are
      then the stratified log-rank test, the generalised Cochran-Mantel-Haenszel test (R: mantelhaen.test) and the stratified form of
      Kruskal and Wallis' test. The other columns describe all hospitals together. They stand in each level's row, and
      is_informative_difference where one is below `significant_below_p`: censoring, or the day on which a recurrence can be found,
      then differs by level, and the curves want a look (`interval_censored_hazard_ratios`).

    Args:
        follow_up: marts.follow_up with the exposure and, where there are several, the hospital, one row a patient.
        event_counts: the mart; the overall_survival endpoint is used.
        counts_by_hospital: the same of overall survival with a column of the hospital; needed from two hospitals on.
    Raises:
        ValueError: a column is missing, nobody is there, a level is unknown, or a patient stands twice.
    """
    require_columns(
        follow_up,
        ["study_id", exposure.column, "followed_days", "is_dead", "potential_days", "is_lost_to_follow_up",
         "median_assessment_interval_days"],
        "follow_up",
    )  # fmt: skip
    require_one_row_a_patient(follow_up, "follow_up")
    if follow_up.empty:
        raise ValueError("follow_up: nobody")
    levels = exposure.levels
    follow_up = follow_up.assign(stratum=exposure.of(follow_up[exposure.column]))
    everybody = pd.concat([follow_up, follow_up.assign(stratum=ALL)], ignore_index=True)
    of_stratum = {str(name): _stratum_row(patients) for name, patients in everybody.groupby("stratum")}
    rows = pd.DataFrame(of_stratum).T.reindex([*exposure.strata, ALL])
    rows[["n", "n_dead", "n_lost", "n_lost_not_known"]] = rows[["n", "n_dead", "n_lost", "n_lost_not_known"]].fillna(0)
    n_known = (rows["n"] - rows["n_lost_not_known"]).to_numpy(dtype=int)
    n_lost = rows["n_lost"].to_numpy(dtype=int)
    rows["share_lost"] = n_lost / np.where(n_known > 0, n_known, np.nan)
    rows["share_lost_low"], rows["share_lost_high"] = wilson_limits(n_lost, n_known)
    counts_of_death = _survival_counts(event_counts, exposure)
    rows = rows.join(_median_follow_up(counts_of_death))
    is_group = rows.index.isin(levels)
    hospital = hospital_strata(follow_up)
    if hospital is None:
        of_length = _length_p_value(counts_of_death, exposure)
        of_loss = _loss_p_value(n_lost[: len(levels)], n_known[: len(levels)])
        of_interval = _interval_p_value(follow_up, levels)
    else:
        of_length = _length_p_value_within(counts_by_hospital, exposure)
        of_loss = _p_value_within(follow_up["is_lost_to_follow_up"], follow_up["stratum"], levels, hospital)
        of_interval = _p_value_within(
            follow_up["median_assessment_interval_days"], follow_up["stratum"], levels, hospital, is_ranked=True
        )
    rows["length_p_value"] = np.where(is_group, of_length, np.nan)
    rows["loss_p_value"] = np.where(is_group, of_loss, np.nan)
    rows["interval_p_value"] = np.where(is_group, of_interval, np.nan)
    rows["is_within_hospitals"] = hospital is not None
    p_values = rows[["length_p_value", "loss_p_value", "interval_p_value"]]
    rows["is_informative_difference"] = is_group & (p_values < significant_below_p).any(axis=1)
    counts = {name: "int64" for name in ("n", "n_dead", "n_lost", "n_lost_not_known")}
    table = rows.rename_axis("stratum").reset_index().astype(counts)
    return table.assign(grouping=exposure.column)[FOLLOW_UP_COLUMNS]


def _stratum_row(patients: pd.DataFrame) -> pd.Series:
    has_potential = patients["potential_days"].notna() & patients["followed_days"].notna()
    potential = float(patients.loc[has_potential, "potential_days"].sum())
    followed = float(patients.loc[has_potential, "followed_days"].sum())
    quartiles = patients["median_assessment_interval_days"].astype(float).quantile([0.25, 0.5, 0.75])
    is_known = patients["is_lost_to_follow_up"].notna()
    return pd.Series(
        {
            "n": len(patients),
            "n_dead": int(patients["is_dead"].sum()),
            "completeness_index": followed / potential if potential else np.nan,
            "n_lost": int(patients.loc[is_known, "is_lost_to_follow_up"].astype(bool).sum()),
            "n_lost_not_known": int((~is_known).sum()),
            "assessment_interval_q1_days": quartiles[0.25],
            "assessment_interval_median_days": quartiles[0.5],
            "assessment_interval_q3_days": quartiles[0.75],
            **_late_deaths(patients),
        }
    )


def _late_deaths(patients: pd.DataFrame) -> dict[str, float]:
    if "is_death_long_after_last_look" not in patients:
        return {name: np.nan for name in LATE_DEATH_COLUMNS}
    n_dead, n_late = int(patients["is_dead"].sum()), int(patients["is_death_long_after_last_look"].astype(bool).sum())
    gaps = patients["days_from_last_look_to_death"].astype(float)
    return dict(zip(LATE_DEATH_COLUMNS, (n_late, n_late / n_dead if n_dead else np.nan, gaps.median()), strict=True))


def _survival_counts(event_counts: pd.DataFrame, exposure: Exposure) -> pd.DataFrame:
    of_survival = event_counts[event_counts["endpoint"] == "overall_survival"]
    return of_survival[of_survival["grouping"].isin([exposure.column, EVERYBODY])]


def _median_follow_up(counts: pd.DataFrame) -> pd.DataFrame:
    medians = median_follow_up(counts)
    names = {
        "median_days": "median_follow_up_days",
        "conf_low": "median_follow_up_low",
        "conf_high": "median_follow_up_high",
    }
    return medians.set_index("stratum")[list(names)].rename(columns=names).astype(float)


def _reverse(counts: pd.DataFrame, exposure: Exposure) -> pd.DataFrame:
    """What ends follow-up is the event, death censors."""
    of_exposure = counts[counts["grouping"] == exposure.column]
    return of_exposure.assign(
        n_event=of_exposure["n_censored"], n_censored=of_exposure["n_event"] + of_exposure["n_competing"], n_competing=0
    )


def _length_p_value(counts: pd.DataFrame, exposure: Exposure) -> float:
    reverse = _reverse(counts, exposure)
    tests = logrank_test(reverse) if len(reverse) else pd.DataFrame()
    return float(tests["p_value"].iloc[0]) if len(tests) else np.nan


def _length_p_value_within(counts: pd.DataFrame | None, exposure: Exposure) -> float:
    if counts is None:
        raise ValueError("follow_up: several hospitals, and no counts by hospital")
    reverse = _reverse(counts, exposure)
    tests = stratified_logrank_test(reverse, HOSPITAL_COLUMN) if len(reverse) else pd.DataFrame()
    return float(tests["p_value"].iloc[0]) if len(tests) else np.nan


def _p_value_within(
    values: pd.Series, stratum: pd.Series, levels: Sequence[str], hospital: np.ndarray, is_ranked: bool = False
) -> float:
    """Of the patients of a level of whom the value is known, within hospitals."""
    group = pd.Index(levels).get_indexer(pd.Index(stratum)).astype(int)
    chosen = (group >= 0) & values.notna().to_numpy()
    score = values[chosen].astype(float).to_numpy()
    score = ranks_within(score, hospital[chosen]) if is_ranked else score
    return association_test(score, group[chosen], hospital[chosen]).p_value


def _interval_p_value(follow_up: pd.DataFrame, levels: Sequence[str]) -> float:
    """Kruskal and Wallis' test: of ranks, all patients as of one hospital."""
    days, stratum = follow_up["median_assessment_interval_days"], follow_up["stratum"]
    if stratum[days.notna() & stratum.isin(levels)].nunique() < 2:
        return np.nan
    return _p_value_within(days, stratum, levels, np.zeros(len(days), dtype=int), is_ranked=True)


def _loss_p_value(n_lost: np.ndarray, n_known: np.ndarray) -> float:
    table = np.array([n_lost, n_known - n_lost])[:, n_known > 0]
    if table.shape[1] < 2 or (table.sum(axis=1) == 0).any():
        return np.nan
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(chdtrc(table.shape[1] - 1, ((table - expected) ** 2 / expected).sum()))
