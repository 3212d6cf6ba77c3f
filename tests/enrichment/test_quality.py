"""A small part of `make quality`: wrong answers are held, right ones aren't."""

import pytest

from benchmarks.quality import CHANGES, edited, listings, measured

WRONG = sorted(set(CHANGES) - {"none"})


@pytest.fixture(scope="module")
def rows():
    return listings(every=20)


@pytest.mark.parametrize("change", WRONG)
def test_wrong_answers_are_held(rows, change):
    found = measured(rows, CHANGES[change])
    assert found.of >= 15
    assert found.share >= 0.95, found.missed


def test_unchanged_answers_and_right_edits_pass(rows):
    assert measured(rows, CHANGES["none"]).held == 0
    found = edited()
    assert found.of >= 60
    assert found.share <= 0.02, found.codes
