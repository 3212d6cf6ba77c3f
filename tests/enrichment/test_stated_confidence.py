"""What an answer says of how sure it is: read in many forms, and no difference between two."""

import pytest

from enrichment.batches import cascades
from enrichment.enrichments import get
from enrichment.enrichments.stated_confidence import (
    schema_asks_confidence,
    stated_confidence,
    without_confidence,
)
from llmconfig.configuration import snapshot
from llmconfig.models import NodeConfiguration


@pytest.mark.parametrize(
    ("stated", "read"),
    [
        (0.85, 0.85), (85, 0.85), ("85 %", 0.85), ("85%", 0.85), ("0,85", 0.85), ("0.85", 0.85),
        ("8/10", 0.8), ("High", 0.85), (1, 1.0), (0, 0.0), ("1", 1.0),
        (-1, None), (850, None), (True, None), (None, None), ("sure", None), ("8/0", None),
        (float("nan"), None), (float("inf"), None), ([0.8], None),
    ],
)  # fmt: skip
def test_a_confidence_is_read_as_models_write_it(stated, read):
    found = stated_confidence({"label": "x", "Confidence": stated})
    assert found is None if read is None else found == pytest.approx(read)


def test_the_least_sure_part_counts_and_the_rest_says_nothing():
    parts = [{"tag": "a", "confidence": "90 %"}, {"tag": "b", "certainty": 0.4}, {"tag": "c"}]
    assert stated_confidence(parts) == 0.4
    assert stated_confidence("0.9") is None
    assert without_confidence(parts) == [{"tag": "a"}, {"tag": "b"}, {"tag": "c"}]
    assert without_confidence("text") == "text"


def test_a_schema_tells_whether_answers_state_one():
    number, text = {"type": "number"}, {"type": "string"}
    asked = {"type": "object", "properties": {"label": text, "confidence": number}}
    assert schema_asks_confidence(asked)
    assert schema_asks_confidence({"properties": {"parts": {"type": "array", "items": asked}}})
    assert not schema_asks_confidence({"properties": {"label": text}})
    assert not schema_asks_confidence(None)


def test_how_sure_two_answers_are_is_no_difference():
    cleaning = get("dog_profiler")
    one, other = {"tagline": "A", "confidence": 0.9}, {"tagline": "a", "confidence": "70 %"}
    assert cleaning.similarity(one, other) == 1
    assert cleaning.similarity(one, {"tagline": "b", "confidence": 0.9}) == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("score", "said"), [("", "state no confidence"), ("logprobs", "log-probabilities")]
)
def test_a_cascade_whose_score_nobody_tells_rests_and_says_what_to_choose(provider, score, said):
    NodeConfiguration.objects.filter(node_name="description_cleaning").update(
        default_model="sim/gpt-4o", cascade_model="sim/gpt-4o-mini", cascade_score=score
    )
    snapshot.expire()
    rests = cascades.terms_of(get("description_cleaning")).rests
    assert said in rests
    assert "another score" in rests
