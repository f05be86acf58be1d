"""The examples in the docstrings of the main statistics give what they say."""

import doctest
from importlib import import_module

import pytest

EXAMPLES = {
    "analysis.curves.kaplan_meier": "kaplan_meier",
    "analysis.curves.cumulative_incidence": "cumulative_incidence",
    "analysis.curves.group_tests": "logrank_test gray_test",
    "analysis.curves.restricted_mean": "restricted_mean_survival",
    "analysis.models.cox_fit": "fit_cox",
    "analysis.models.fine_gray": "fit_fine_gray",
    "analysis.models.firth_fit": "fit_firth",
    "analysis.models.interval_censored": "turnbull",
    "analysis.models.between_hospitals": "random_effects",
    "analysis.robustness.rubin": "pool",
    "analysis.robustness.e_values": "e_value",
    "analysis.tables.proportions": "wilson_limits",
    "analysis.tables.planned_tests": "holm",
    "analysis.patients.collapsed_counts": "count_events",
    "analysis.patients.names": "ordered_strata",
}


@pytest.mark.parametrize("module", EXAMPLES)
def test_the_examples_of_a_module_give_what_they_say(module):
    found = doctest.DocTestFinder(exclude_empty=True).find(import_module(module))
    with_examples = {test.name.removeprefix(f"{module}.") for test in found if test.examples}
    assert set(EXAMPLES[module].split()) <= with_examples
    results = doctest.testmod(import_module(module))
    assert (results.failed, results.attempted > 0) == (0, True)
