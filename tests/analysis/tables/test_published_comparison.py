"""The abstract's figures beside ours."""

import math

import pandas as pd
import pytest

from analysis.tables.published_comparison import COMPARISON_COLUMNS
from tests.analysis.report_builders import (
    HAZARD_RATIOS,
    hazard_ratios,
    landmark_estimates,
    planned_tests,
    published_comparison,
    salvage_rows,
)
from tests.analysis.study_plan import MARGIN, PUBLISHED_FIGURES

# As the abstract prints them (STUDY): a slip of a finger in the module must not pass
ABSTRACT = [
    ("isolated_liver_recurrence", "positive", 2.21, 1.49, 3.26),
    ("isolated_liver_recurrence", "<1 mm", 1.42, 0.84, 2.40),
    ("isolated_liver_recurrence", "1.0-9.9 mm", 1.41, 1.08, 1.84),
    ("margin_recurrence", "positive", 2.11, 1.26, 3.54),
    ("margin_recurrence", "<1 mm", 2.99, 1.74, 5.15),
    ("margin_recurrence", "1.0-9.9 mm", 0.92, 0.62, 1.37),
    ("liver_recurrence_any_time", "positive", 2.32, 1.79, 3.01),
    ("liver_recurrence_any_time", "<1 mm", 1.72, 1.23, 2.42),
    ("liver_recurrence_any_time", "1.0-9.9 mm", 1.33, 1.11, 1.58),
    ("overall_recurrence", "positive", 0.70, None, None),
    ("overall_recurrence", "<1 mm", 0.70, None, None),
    ("overall_recurrence", "1.0-9.9 mm", 0.57, None, None),
    ("overall_recurrence", ">=10 mm", 0.50, None, None),
    ("salvage", "trend over the groups", None, None, None),
]


def compared(is_simulated: bool = True) -> pd.DataFrame:
    return published_comparison(
        hazard_ratios(), landmark_estimates(), planned_tests(), salvage_rows(), MARGIN, PUBLISHED_FIGURES, is_simulated
    )


def test_every_figure_of_the_abstract_is_there_as_printed():
    table = compared()
    assert list(table.columns) == COMPARISON_COLUMNS
    published = table[["endpoint", "stratum", "published_estimate", "published_conf_low", "published_conf_high"]]
    expected = pd.DataFrame(ABSTRACT, columns=published.columns)
    pd.testing.assert_frame_equal(published, expected, check_dtype=False)


def test_ours_are_the_adjusted_hazard_ratios_and_the_three_year_incidences_of_the_margin_groups():
    ours = compared().set_index(["endpoint", "stratum"])
    assert tuple(ours.loc[("margin_recurrence", "<1 mm"), ["estimate", "conf_low", "conf_high"]]) == (2.41, 1.23, 4.72)
    assert tuple(ours.loc[("overall_recurrence", ">=10 mm"), ["estimate", "conf_low", "conf_high"]]) == (
        0.486,
        0.449,
        0.522,
    )
    assert list(ours["estimate"][:3]) == [values[0] for values in HAZARD_RATIOS["isolated_liver_recurrence"]]


def test_hazard_ratios_differ_on_the_log_scale_and_incidences_in_shares():
    difference = compared().set_index(["endpoint", "stratum"])["difference"]
    assert difference[("margin_recurrence", "<1 mm")] == pytest.approx(math.log(2.41 / 2.99))
    assert difference[("overall_recurrence", ">=10 mm")] == pytest.approx(-0.014)


def test_intervals_overlap_or_a_published_figure_without_limits_lies_in_ours():
    ratios = hazard_ratios()
    is_far = (ratios["endpoint"] == "margin_recurrence") & (ratios["term"] == "margin 1.0-9.9 mm")
    ratios.loc[is_far, ["hazard_ratio", "conf_low", "conf_high"]] = (2.0, 1.5, 2.5)
    overlap = published_comparison(
        ratios, landmark_estimates(), planned_tests(), salvage_rows(), MARGIN, PUBLISHED_FIGURES, True
    ).set_index(["endpoint", "stratum"])["do_intervals_overlap"]
    assert not overlap[("margin_recurrence", "1.0-9.9 mm")]
    assert overlap[("margin_recurrence", "positive")]
    # 0.70 lies in 0.621-0.788
    assert overlap[("overall_recurrence", "positive")]


def test_what_we_could_not_estimate_is_missing_beside_the_published_figure():
    ratios = hazard_ratios()
    ratios = ratios[ratios["term"] != "margin <1 mm"]
    table = published_comparison(
        ratios, landmark_estimates().iloc[:0], planned_tests(), salvage_rows(), MARGIN, PUBLISHED_FIGURES, False
    )
    assert len(table) == 14
    absent = table[(table["stratum"] == "<1 mm") | (table["endpoint"] == "overall_recurrence")]
    assert len(absent) == 7
    assert table["estimate"].notna().sum() == 6
    assert absent[["estimate", "difference", "do_intervals_overlap"]].isna().all(axis=None)


def test_each_row_says_where_the_data_come_from():
    assert set(compared(True)["data_label"]) == {"simulated"}
    assert set(compared(False)["data_label"]) == {"observed"}


def test_two_estimates_of_one_figure_are_refused():
    twice = pd.concat([hazard_ratios(), hazard_ratios()])
    with pytest.raises(ValueError, match="more than one estimate"):
        published_comparison(
            twice, landmark_estimates(), planned_tests(), salvage_rows(), MARGIN, PUBLISHED_FIGURES, True
        )
    with pytest.raises(ValueError, match="hazard_ratio"):
        published_comparison(
            hazard_ratios().drop(columns="hazard_ratio"),
            landmark_estimates(),
            planned_tests(),
            salvage_rows(),
            MARGIN,
            PUBLISHED_FIGURES,
            True,
        )


def test_another_study_stands_beside_no_publication():
    table = published_comparison(
        hazard_ratios(),
        landmark_estimates(),
        planned_tests(),
        salvage_rows(),
        MARGIN,
        PUBLISHED_FIGURES,
        True,
        compared_with=None,
    )
    assert len(table) == 14
    published = [
        "published_estimate",
        "published_conf_low",
        "published_conf_high",
        "difference",
        "do_intervals_overlap",
    ]
    assert table[published].isna().all(axis=None)
    assert table["estimate"].equals(compared(True)["estimate"])
    with pytest.raises(ValueError, match="no figures of the publication"):
        published_comparison(
            hazard_ratios(),
            landmark_estimates(),
            planned_tests(),
            salvage_rows(),
            MARGIN,
            PUBLISHED_FIGURES,
            True,
            compared_with="somebody_1999",
        )


def test_p_values_of_the_margin_group_stand_beside_the_published_ones():
    table = compared().drop_duplicates("endpoint").set_index("endpoint")
    assert table["published_p_value"].drop("overall_recurrence").tolist() == [
        "P=0.001",
        "P<0.001",
        "P<0.001",
        "P<0.001",
    ]
    assert table["p_value"].drop("overall_recurrence").tolist() == [0.012, 0.3, 0.00001, 0.00082]
    agrees = table["do_p_values_agree"]
    assert agrees["isolated_liver_recurrence"] and agrees["liver_recurrence_any_time"] and agrees["salvage"]
    assert not agrees["margin_recurrence"]
    assert pd.isna(agrees["overall_recurrence"])
