"""A small part of `make quality`: wrong answers are held, right ones aren't."""

import pytest

from benchmarks.injections import (
    DOCUMENT,
    END,
    START,
    injected,
    innocent,
    is_applied,
    is_found,
    written,
)
from benchmarks.judgements import DANGEROUS, JUDGEMENTS, judged
from benchmarks.quality import edited, listings, measured, translated
from benchmarks.quality_changes import CHANGES, OTHER_CHANGES

WRONG = sorted(set(CHANGES) - {"none"})
OTHERS = sorted(set(OTHER_CHANGES) - {"a place exchanged"})


@pytest.fixture(scope="module")
def rows():
    return listings(every=20)


@pytest.mark.parametrize("change", WRONG)
def test_wrong_answers_are_held(rows, change):
    found = measured(rows, CHANGES[change])
    assert found.of >= 15
    assert found.share >= 0.95, found.missed


@pytest.mark.parametrize("change", OTHERS)
def test_changes_of_other_kinds_are_held(rows, change):
    found = measured(rows, OTHER_CHANGES[change])
    assert found.of >= 8
    assert found.share >= 0.9, found.missed


def test_right_translations_pass_and_spoilt_ones_are_held():
    found = translated()
    assert found[""].of >= 54
    assert not found[""].missed
    for kind, each in found.items():
        assert not kind or each.share >= 0.9, each.missed


def test_of_what_is_applied_of_a_models_judged_answers_nearly_nothing_is_dangerous():
    found = list(judged())
    assert len(found) >= 100
    assert {each.judgement for each in found} <= set(JUDGEMENTS)
    applied = [each for each in found if each.applied]
    dangerous = [each for each in applied if each.judgement == DANGEROUS]
    assert len(dangerous) <= 0.01 * len(applied), dangerous


def test_unchanged_answers_and_right_edits_pass(rows):
    assert measured(rows, CHANGES["none"]).held == 0
    found = edited()
    assert found.of >= 100
    assert found.share <= 0.02, found.codes


def test_texts_that_address_the_model_are_found_and_their_tags_not_applied():
    """Of those that the gate's patterns were made with; docs/quality.md has the others too."""
    known = [each for each in injected() if not each.held_out]
    missed = [each.listing for each in known if not is_found(each.listing)]
    assert len(known) >= 40
    assert len(missed) <= 0.05 * len(known), missed
    assert not [each.listing for each in known if is_applied(each)]


def test_innocent_texts_that_look_similar_are_left_alone():
    assert not [each.listing for each in innocent() if is_found(each.listing)]


def test_measuring_the_gates_alone_keeps_what_a_real_model_made_of_the_injections():
    document = DOCUMENT.read_text(encoding="utf-8")
    part = document.partition(START)[2].partition(END)[0]
    gates, _, asked = part.strip().partition("\n\n")
    assert "tagged by" in asked
    assert written(document, gates) == document
    assert written(document, "new") == document.replace(gates, "new")
    assert written(document, gates, "asked anew") == document.replace(asked, "asked anew")
    assert written(f"a{START}{END}b", "new") == f"a{START}\nnew\n{END}b"
