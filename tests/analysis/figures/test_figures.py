"""What the figures draw: the right groups in the right order, at the right time, in their own colours."""

import itertools
import re

import altair as alt
import numpy as np
import pandas as pd
import pytest

from analysis import figures
from analysis.figures.bars import pattern_segments
from analysis.figures.curves import Shown, drawn_points, numbers_at_risk
from analysis.figures.flow import flow_layout
from analysis.figures.forest import OURS, PUBLISHED, forest_rows
from analysis.figures.style import colours, text_colours
from tests.analysis.report_builders import fake_results, frame
from tests.analysis.study_plan import DAYS_A_YEAR, MARGIN, MARGIN_GROUPS

COLOURS, TEXT_COLOURS = colours(MARGIN.levels), text_colours(MARGIN.levels)
CURVE = "endpoint grouping stratum time_days n_risk estimate conf_low conf_high"


def shown(endpoint: str) -> Shown:
    return Shown(endpoint, MARGIN, DAYS_A_YEAR, 10)


RECURRENCE = shown("overall_recurrence")


def charts() -> dict:
    tables = fake_results()
    return {
        "incidence": figures.cumulative_incidence_chart(tables["cumulative_incidence"], RECURRENCE),
        "survival": figures.survival_chart(
            tables["kaplan_meier"], shown("recurrence_free_survival"), "Recurrence-free survival"
        ),
        "forest": figures.forest_chart(tables["published_comparison"], MARGIN),
        "patterns": figures.initial_pattern_chart(tables["recurrence_patterns"], MARGIN),
        "salvage": figures.salvage_chart(tables["salvage_by_margin"], MARGIN),
        "flow": figures.cohort_flow_chart(tables["cohort_flow"], MARGIN, tables["margin_groups"]),
    }


@pytest.fixture(scope="module")
def drawings() -> dict[str, str]:
    return {name: figures.svg(chart, name, is_simulated=True) for name, chart in charts().items()}


def texts(drawing: str) -> list[str]:
    """The words in an SVG, as a reader sees them, in the order of the file."""
    found = re.findall(r"<text[^>]*>([^<]*)</text>", drawing)
    return [text.replace("&lt;", "<").replace("&gt;", ">") for text in found]


def test_a_curve_is_read_as_a_step_and_nobody_is_at_risk_after_its_end():
    curve = frame(
        CURVE,
        ("overall_recurrence", "margin_group", "positive", 30, 10, 0.1, 0.0, 0.2),
        ("overall_recurrence", "margin_group", "positive", 400, 4, 0.5, 0.3, 0.7),
    )
    points = drawn_points(curve, RECURRENCE, at_start=0.0).set_index("years")
    days = (points.index * 365.25).round().astype(int)
    assert days[0] == 0
    # before the first row the estimate is where curves start, without limits
    assert points["estimate"].iloc[0] == 0.0
    assert np.isnan(points["conf_low"].iloc[0])
    by_day = pd.Series(points["estimate"].to_numpy(), index=days)
    assert (by_day[15], by_day[30], by_day[390]) == (0.0, 0.1, 0.1)
    # days 405 and later: nobody is at risk
    assert by_day.index.max() == 390
    at_risk = numbers_at_risk(curve, RECURRENCE).set_index("years")["n_risk"]
    assert at_risk[:3].to_list() == [10, 4, 0]
    assert len(at_risk) == 11


def test_a_landmark_day_itself_still_counts_those_whose_time_ends_on_it():
    curve = frame(CURVE, ("overall_recurrence", "margin_group", "positive", 1461, 7, 0.1, 0.0, 0.2))
    at_risk = numbers_at_risk(curve, RECURRENCE).set_index("years")["n_risk"]
    assert (at_risk[4], at_risk[5]) == (7, 0)


def test_only_margin_groups_are_drawn_in_their_order():
    table = fake_results()["cumulative_incidence"]
    points = drawn_points(table, RECURRENCE, at_start=0.0)
    assert list(dict.fromkeys(points["stratum"])) == list(MARGIN_GROUPS)
    assert 0.123 not in set(points["estimate"])
    with pytest.raises(ValueError, match="no curve of overall_survival"):
        drawn_points(table, shown("overall_survival"), at_start=0.0)


def test_a_group_without_patients_leaves_the_others_alone():
    table = fake_results()["cumulative_incidence"]
    chart = figures.cumulative_incidence_chart(table[table["stratum"] != "<1 mm"], RECURRENCE)
    drawing = figures.svg(chart, "incidence", is_simulated=False)
    assert "<1 mm" not in texts(drawing)
    assert COLOURS["positive"] in drawing


def test_numbers_at_risk_stand_below_the_curves_by_group(drawings):
    words = texts(drawings["incidence"])
    assert "Patients at risk" in words
    assert "Years from index operation" in words
    below = words[words.index("Patients at risk") - 60 :]
    assert [below.count(group) >= 1 for group in MARGIN_GROUPS] == [True] * 4
    # at risk at 0, 1, 3 and 5 years in the fake curves
    for n_risk in ("400", "100", "5"):
        assert words.count(n_risk) >= 4


@pytest.mark.parametrize("name", ["incidence", "survival"])
def test_curves_and_their_names_have_the_groups_own_colours(drawings, name):
    for group in MARGIN_GROUPS:
        assert COLOURS[group] in drawings[name]
        labels = re.findall(r"<text[^>]*fill=\"(#\w+)\"[^>]*>([^<]*)</text>", drawings[name])
        label = group.replace("<", "&lt;").replace(">", "&gt;")
        assert (TEXT_COLOURS[group].lower(), label) in {(colour.lower(), text) for colour, text in labels}


def test_the_forest_sets_each_published_interval_beside_ours():
    rows = forest_rows(fake_results()["published_comparison"])
    assert len(rows) == 18
    pair = rows[(rows["endpoint"] == "margin_recurrence") & (rows["stratum"] == "<1 mm")].set_index("source")["label"]
    assert pair[OURS] == "2.41 (1.23\u20134.72)"
    assert pair[PUBLISHED] == "2.99 (1.74\u20135.15)"


def test_the_forest_prints_every_number_and_says_what_was_not_estimated(drawings):
    words = texts(drawings["forest"])
    assert {"2.05 (1.31\u20133.21)", "2.21 (1.49\u20133.26)", "0.88 (0.57\u20131.36)"} <= set(words)
    table = fake_results()["published_comparison"]
    table.loc[0, ["estimate", "conf_low", "conf_high"]] = np.nan
    words = texts(figures.svg(figures.forest_chart(table, MARGIN), "forest", is_simulated=False))
    assert words.count("not estimated") == 1


def test_an_interval_beyond_the_frame_is_cut_and_its_numbers_are_not():
    table = fake_results()["published_comparison"]
    table.loc[0, ["estimate", "conf_low", "conf_high"]] = (30.0, 0.01, 999.0)
    drawing = figures.svg(figures.forest_chart(table, MARGIN, width=400), "forest", is_simulated=False)
    assert "30.00 (0.01\u2013999.00)" in texts(drawing)
    total_width = float(re.search(r'width="([\d.]+)"', drawing).group(1))
    assert total_width < 800


def test_stacked_segments_follow_each_other_and_small_ones_have_no_number():
    segments = pattern_segments(fake_results()["recurrence_patterns"], MARGIN)
    positive = segments[segments["stratum"] == "positive"]
    assert list(positive["pattern"]) == ["liver only", "lung only", "other single site", "multiple sites"]
    assert positive["middle"].to_list() == pytest.approx([0.10, 0.26, 0.36, 0.55])
    assert list(positive["label"]) == ["20%", "12%", "8%", "30%"]
    wide = segments[segments["stratum"] == ">=10 mm"]
    assert list(wide["label"]) == ["11%", "", "8%", "15%"]
    assert set(segments["stratum"]) == set(MARGIN_GROUPS)


def test_salvage_shows_share_and_counts_of_the_four_groups(drawings):
    words = texts(drawings["salvage"])
    assert {"13% (9 of 70)", "33% (66 of 200)"} <= set(words)
    assert [word for word in words if word in MARGIN_GROUPS] == list(MARGIN_GROUPS)
    assert "unresolved" not in words


def test_a_figure_of_simulated_data_says_so_itself(drawings):
    for drawing in drawings.values():
        assert texts(drawing).count("Simulated data") == 1
    observed = figures.svg(charts()["salvage"], "salvage", is_simulated=False)
    assert "imulated" not in observed


def test_two_figures_of_a_page_do_not_share_their_clip_paths():
    rows = frame("x y", (0, 0), (5, 5))
    clipped = alt.Chart(rows).mark_line(clip=True).encode(x=alt.X("x:Q", scale=alt.Scale(domain=[1, 2])), y="y:Q")
    ids = []
    for name in ("one", "other"):
        drawing = figures.svg(clipped, name, is_simulated=False)
        ids += re.findall(r'\bid="([^"]+)"', drawing)
        assert re.findall(r"url\(#([^)]+)\)", drawing) == ids[-1:]
        assert ids[-1].startswith(f"{name}-")
    assert len(set(ids)) == 2


def test_the_cohort_flow_leads_from_the_registry_past_each_exclusion_to_the_cohort_and_its_margin_groups(drawings):
    drawn = texts(drawings["flow"])
    assert {*drawn} >= {
        "Patients in the operations registry", "n = 1,040", "Excluded: no operation with curative intent", "n = 7",
        "Excluded: liver resected before", "n = 33", "Cohort: index operations", "n = 1,000",
        "Margin positive", "n = 100 (10.0%)", "Margin unresolved", "n = 40 (4.0%)",
    }  # fmt: skip

    tables = fake_results()
    boxes, lines, words = flow_layout(tables["cohort_flow"], MARGIN, tables["margin_groups"], 860)
    in_order = words.sort_values(["y", "x"])["text"].tolist()
    named = [text for text in in_order if not text.startswith("n = ")]
    assert named == [
        "Patients in the operations registry", "Excluded: no operation with curative intent", "Excluded: liver resected before",
        "Cohort: index operations", "Margin positive", "Margin <1 mm", "Margin 1.0-9.9 mm", "Margin >=10 mm", "Margin unresolved",
    ]  # fmt: skip
    # no box covers another, all are on the paper, each exclusion has its arrow from the spine
    assert boxes[["x", "y"]].min().min() >= 0
    assert boxes["x2"].max() <= 860
    for one, other in itertools.combinations(boxes.itertuples(), 2):
        assert one.x2 <= other.x or other.x2 <= one.x or one.y2 <= other.y or other.y2 <= one.y
    assert (lines["head"] == "triangle-right").sum() == 2


def test_a_flow_without_margin_groups_ends_with_the_cohort():
    boxes, _, words = flow_layout(fake_results()["cohort_flow"], MARGIN, None, 860)
    assert len(boxes) == 4
    assert words["text"].iloc[-2:].tolist() == ["Cohort: index operations", "n = 1,000"]
    with pytest.raises(ValueError, match="exclusion_reason"):
        figures.cohort_flow_chart(fake_results()["cohort_flow"].drop(columns="exclusion_reason"), MARGIN)
