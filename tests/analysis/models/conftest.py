"""How the patients of a likelihood are counted: one by one, as few are, or by pattern of their columns, as many are."""

import pytest

from analysis.models import likelihood_columns


@pytest.fixture(params=["by patient", "by pattern"])
def counted(request, monkeypatch):
    """Each way in turn, however few patients and however many patterns there are."""
    if request.param == "by pattern":
        count_by_pattern(monkeypatch)
    return request.param


def count_by_pattern(monkeypatch) -> None:
    """Few patients too are counted by pattern."""
    monkeypatch.setattr(likelihood_columns, "MANY_PATIENTS", 1)
    monkeypatch.setattr(likelihood_columns, "MOST_PATTERNS", float("inf"))
