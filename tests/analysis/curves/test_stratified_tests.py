"""Stratified tests against R, by hand, and against what must always hold."""

import numpy as np
import pandas as pd
import pytest

from analysis.curves.group_tests import gray_test, logrank_test
from analysis.curves.stratified_tests import stratified_gray_test, stratified_logrank_test
from analysis.patients.collapsed_counts import count_events
from tests.analysis.r_values import assert_equal_to_r, patients
from tests.analysis.r_values_by_method import curves_models_and_weights, margin_patients

DATASETS = ("colon", "pbc", "mgus2", "ties", "margins", "colon_sparse")


def stratified_patients(dataset: str, **changes) -> pd.DataFrame:
    if dataset == "margins":
        rows = margin_patients().assign(g=lambda rows: rows["margin_code"])
        if changes.get("any_event"):
            rows["event_code"] = rows["event_code"].clip(upper=1)
        return rows.assign(event_code=rows["event_code"].map({0: 0, 1: 2, 2: 1})) if changes.get("swap") else rows
    rows = patients(dataset.removesuffix("_sparse"), **changes)
    # In the sparse one a group has no patients in one of the two blocks
    return rows[~((rows["g"] == 2) & (rows["node4"] == 1))] if dataset.endswith("_sparse") else rows


def counts_by_block(rows: pd.DataFrame, block: str) -> pd.DataFrame:
    return pd.concat([count_events(part, "g").assign(**{block: value}) for value, part in rows.groupby(block)])


@pytest.mark.parametrize("dataset", DATASETS)
def test_stratified_logrank_equals_survdiff(dataset):
    values = curves_models_and_weights(dataset)["stratified"]
    for of_r, any_event in (("all_causes", True), ("cause_specific", False)):
        rows = stratified_patients(dataset, any_event=any_event)
        (ours,) = stratified_logrank_test(counts_by_block(rows, values["block"]), values["block"]).to_dict("records")
        assert_equal_to_r(ours["statistic"], values[of_r])
        assert ours["degrees_of_freedom"] == rows["g"].nunique() - 1
        assert (ours["n"], ours["n_event"]) == (len(rows), (rows["event_code"] == 1).sum())
        assert (ours["stratified_by"], ours["n_blocks"]) == (values["block"], rows[values["block"]].nunique())


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("swap", [False, True])
def test_stratified_gray_equals_cuminc(dataset, swap):
    values = curves_models_and_weights(dataset)["stratified"]
    rows = stratified_patients(dataset, swap=swap)
    (ours,) = stratified_gray_test(counts_by_block(rows, values["block"]), values["block"]).to_dict("records")
    statistic, p_value, degrees = values["gray_competing" if swap else "gray_event"]
    assert_equal_to_r([ours["statistic"], ours["p_value"]], [statistic, p_value])
    assert ours["degrees_of_freedom"] == degrees


@pytest.mark.parametrize(
    ("stratified", "plain"), [(stratified_logrank_test, logrank_test), (stratified_gray_test, gray_test)]
)
def test_one_block_is_the_plain_test(stratified, plain):
    event_counts = count_events(patients("ties"), "g")
    ours = stratified(event_counts.assign(centre="only"), "centre")
    of_all = plain(event_counts)
    for column in ("statistic", "p_value", "degrees_of_freedom", "n", "n_event"):
        assert ours[column].item() == pytest.approx(of_all[column].item(), rel=1e-12)


def test_a_difference_between_centres_is_not_one_between_groups():
    """In either centre the groups fare alike; the groups are spread over the centres unevenly."""
    rows = [("early", group, day, n) for day in (1, 2, 3) for group, n in (("positive", 9), (">=10 mm", 3))]
    rows += [("late", group, day, n) for day in (101, 102, 103) for group, n in (("positive", 3), (">=10 mm", 9))]
    frame = pd.DataFrame(rows, columns=["centre", "stratum", "time_days", "n_event"])
    frame = frame.assign(endpoint="overall_survival", grouping="margin_group", n_competing=0, n_censored=0)
    assert logrank_test(frame)["p_value"].item() < 0.1
    assert stratified_logrank_test(frame, "centre")["statistic"].item() == pytest.approx(0, abs=1e-20)


def test_a_block_of_one_group_says_nothing():
    event_counts = counts_by_block(patients("ties"), "node")
    alone = event_counts[(event_counts["node"] == 1) & (event_counts["stratum"] == "1")].assign(node=2)
    for test in (stratified_logrank_test, stratified_gray_test):
        with_it = test(pd.concat([event_counts, alone]), "node")
        without = test(event_counts, "node")
        assert with_it["statistic"].item() == pytest.approx(without["statistic"].item(), rel=1e-12)
        assert with_it["n_blocks"].item() == without["n_blocks"].item() == 2


def test_without_events_there_is_a_reason_and_no_number():
    rows = patients("ties").assign(event_code=0)
    for test in (stratified_logrank_test, stratified_gray_test):
        row = test(counts_by_block(rows, "node"), "node").iloc[0]
        assert np.isnan(row["statistic"])
        assert row["warning"] == "no events"


def test_blocks_must_be_known():
    event_counts = counts_by_block(patients("ties"), "node")
    with pytest.raises(ValueError, match="lacks the column.*centre"):
        stratified_logrank_test(event_counts, "centre")
    with pytest.raises(ValueError, match="centre: 1 missing"):
        stratified_gray_test(event_counts.assign(centre=[None, *["A"] * (len(event_counts) - 1)]), "centre")
