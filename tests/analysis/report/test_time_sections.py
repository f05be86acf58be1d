"""Medians and ratios by period on the page: literal rows in, the words a reader sees out."""

import re

from analysis.report import render_report
from tests.analysis.report_builders import fake_context, fake_results, frame

MEDIANS = frame(
    "endpoint grouping stratum quantile conf_type time_days conf_low conf_high",
    ("overall_survival", "margin_group", "positive", "median", "log", 1461.0, 1095.75, 1826.25),
    ("overall_survival", "margin_group", ">=10 mm", "median", "log", 2922.0, 2557.0, None),
    ("overall_survival", "margin_group", "<1 mm", "median", "log", None, 2557.0, None),
    ("overall_survival", "margin_group", "positive", "median", "plain", 1461.0, 7.0, 7.0),
    ("overall_survival", "margin_group", "positive", "first quartile", "log", 7.0, 7.0, 7.0),
    ("overall_survival", "era", "1991-1999", "median", "log", 7.0, 7.0, 7.0),
)
PROPORTIONALITY, INTERACTION = "margin group (proportional hazards)", "margin group by period (interaction)"
NOT_SPLIT = "not split: proportional hazards not rejected (p >= 0.05)"
PERIODS = frame(
    "endpoint model period term hazard_ratio conf_low conf_high p_value warning",
    ("margin_recurrence", "adjusted", "all", PROPORTIONALITY, None, None, None, 0.021, None),
    ("margin_recurrence", "adjusted", "all", INTERACTION, None, None, None, 0.034, None),
    ("margin_recurrence", "adjusted", "0-1 years", "margin positive", 3.1, 1.6, 6.0, 0.001, None),
    ("margin_recurrence", "adjusted", "0-1 years", "margin <1 mm", 2.2, 1.1, 4.4, 0.02, None),
    ("margin_recurrence", "adjusted", "> 2 years", "margin positive", 0.4, 0.1, 2.9, 0.4, "Firth penalised likelihood"),
    ("margin_recurrence", "unadjusted", "all", PROPORTIONALITY, None, None, None, 0.3, NOT_SPLIT),
)


def words_of_page(**tables) -> str:
    page = render_report(fake_results() | tables, fake_context())
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("&gt;", ">").replace("&lt;", "<")


def test_medians_stand_in_months_and_open_ends_are_named(undrawn):
    words = words_of_page(median_times=MEDIANS)
    assert "Overall survival 48 (36\u201360) not reached not available 96 (84\u2013not reached)" in words


def test_ratios_by_period_stand_under_their_tests_and_few_events_are_marked(undrawn):
    words = words_of_page(time_varying_hazard_ratios=PERIODS)
    assert "proportional hazards P=0.021; one ratio for all periods P=0.034" in words
    assert "0-1 years 3.10 (1.60\u20136.00) 2.20 (1.10\u20134.40) not available" in words
    assert "> 2 years 0.40 (0.10\u20132.90) *" in words
    assert "1 of the 2 models tested" in words


def test_without_the_tables_and_without_a_split_the_page_has_neither(undrawn):
    without = words_of_page()
    assert "Median months" not in without
    assert "within periods of follow-up" not in words_of_page(time_varying_hazard_ratios=PERIODS.iloc[-1:])
