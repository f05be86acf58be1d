"""Great Expectations without scipy.stats until something of it is used."""

import subprocess
import sys

LOADED = """
import sys
from quality.run_expectations import load_great_expectations
load_great_expectations()
assert "scipy.stats" not in sys.modules
from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as divergence
assert round(divergence.stats.entropy([0.5, 0.5]), 3) == 0.693
import scipy
assert scipy.stats is sys.modules["scipy.stats"]
"""


def test_the_gates_import_scipy_stats_when_an_expectation_asks_something_of_it():
    subprocess.run([sys.executable, "-c", LOADED], check=True)
