"""Imports without Python's look for unused objects."""

import gc

import pytest

from orchestration.nights.uncollected import uncollected


@pytest.fixture(autouse=True)
def thawed():
    yield
    gc.unfreeze()
    gc.enable()


def test_what_is_made_within_is_never_looked_through_and_later_looks_go_on():
    with uncollected():
        assert not gc.isenabled()
        made = [[] for _ in range(1000)]
    assert gc.isenabled() and gc.get_freeze_count() >= len(made)


def test_who_looks_for_nothing_is_left_so_and_an_import_that_fails_ends_it_too():
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()
    gc.enable()
    with pytest.raises(ImportError), uncollected():
        raise ImportError
    assert gc.isenabled()
