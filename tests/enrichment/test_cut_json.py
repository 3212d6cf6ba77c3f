"""JSON answers that break off: what came whole waits for a person, and nothing gets to a row."""

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine.lanes import run_lane
from enrichment.models import EnrichmentResult
from enrichment.single import enrich_row
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig, NodeConfiguration
from metrics.models import GenerationHistory, GenerationMetric
from tests.api import caller
from tests.llmconfig.scripted import scripted_server

pytestmark = pytest.mark.django_db(transaction=True)

CUT = "The answer was cut at its token limit; raise the node's max tokens."
SOME = f"{CUT} Only what came whole is shown."
NONE = f"{CUT} No part of it came whole; this is its text."
CALM = {"tag": "calm", "evidence": "is calm", "confidence": 0.9}
SHY = {"tag": "shy", "evidence": "and shy", "confidence": 0.95}
# What is asked for, what came, what is suggested of it.
ANSWERS = {
    "tags, the last one cut": (
        "tagging",
        json.dumps({"tags": [CALM, SHY, {"tag": "playful"}]})[:-12],
        [SHY, CALM],
    ),
    "tags, one that is none": ("tagging", '{"tags": [{"tag": "cute"}, ' + json.dumps(CALM), [CALM]),
    "tags, none whole": ("tagging", '{"tags": [{"tag": "calm", "evidence": "is ca', None),
    "entities in a fence": (
        "entity_extraction",
        '```json\n{"entities": [{"type": "person", "text": "Ada", "confidence": 0.5}, {"ty',
        [{"type": "person", "text": "Ada", "confidence": 0.5}],
    ),
    "a profile, its list cut": (
        "dog_profiler",
        '{"tagline": "Calm.", "bio": "Runs.", "interests": ["ball", "runn',
        {"tagline": "Calm.", "bio": "Runs."},
    ),
    "a profile, its bio cut": (
        "dog_profiler",
        '{"tagline": "Calm.", "bio": "Ru',
        {"tagline": "Calm."},
    ),
    "a profile, a number in place of a text": ("dog_profiler", '{"tagline": 12, "bio": "Ru', None),
    "no JSON at all": ("dog_profiler", "Here is the profile of Rex:", None),
}


@pytest.fixture(scope="module")
def server_at():
    with scripted_server() as script:
        yield script


@pytest.fixture
def script(server_at, make_provider):
    provider = make_provider("p", "custom", model_id="m", api_base_url=f"{server_at.url}/v1")
    for name in ("tagging", "entity_extraction", "dog_profiler"):
        NodeConfiguration.objects.create(
            node_name=name, interaction_type="enricher", default_model="p/m"
        )
    LLMConfig.objects.filter(pk=1).update(provider=provider, retry_delay=0, max_retries=1)
    snapshot.expire()
    return server_at


def says(script, text, reason="length"):
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    script.tell({"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage})


@pytest.mark.parametrize(("kind", "came", "suggested"), ANSWERS.values(), ids=ANSWERS)
def test_what_came_whole_of_a_cut_answer_is_suggested(script, make_animals, kind, came, suggested):
    (animal,) = make_animals(1, description="Rex is calm and shy, says Ada.")
    says(script, came)
    found = enrich_row(kind, animal.pk)
    assert (found.state, found.value) == ("suggested", came if suggested is None else suggested)
    assert found.reason == (NONE if suggested is None else SOME)
    assert script.requests == 1  # the same again would be cut again
    animal.refresh_from_db()
    assert (animal.tags, animal.entities, animal.dog_profiler_data) == (None, None, None)
    call, texts = GenerationMetric.objects.get(), GenerationHistory.objects.get()
    assert (call.finish_reason, call.truncated, texts.generated_code) == ("length", True, came)


def test_a_person_sees_a_cut_answer_and_completes_it(script, make_animals):
    """A part that lacks what the schema requires can't be accepted as it is."""
    animals = make_animals(2)
    says(script, '{"tagline": "Calm.", "bio": "Runs <b>')
    batch = creation.create("dog_profiler", Selection())
    run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.failed, at.calls) == ("completed", 2, 0, 2)
    person = caller("operator")
    waiting = person.get("/api/llm/review?reason_code=answer_cut").json()["results"]
    assert [each["proposed"] for each in waiting] == [{"tagline": "Calm."}] * 2
    assert waiting[0]["findings"][0]["data"]["answer"].endswith("Runs <b>")
    address = f"/api/llm/review/{waiting[0]['id']}"
    refused = person.post(f"{address}/accept")
    assert refused.status_code == 400
    assert "'bio' is a required property" in refused.content.decode()
    browser = Client()
    browser.force_login(User.objects.create_superuser("ada"))
    result = EnrichmentResult.objects.get(pk=waiting[0]["id"])
    for page in (
        reverse("admin:enrichment_review"),
        reverse("admin:enrichment_enrichmentresult_change", args=[result.pk]),
    ):
        shown = browser.get(page).content.decode()
        assert "Raw answer" in shown
        assert "Runs &lt;b&gt;" in shown
    whole = {"tagline": "Calm.", "bio": "Runs and plays."}
    assert person.post(f"{address}/edit", {"value": whole}, format="json").status_code == 200
    changed = next(each for each in animals if str(each.pk) == result.row_id)
    changed.refresh_from_db()
    assert changed.dog_profiler_data == whole


@pytest.mark.parametrize(
    ("reason", "state"),
    [("content_filter", "suggested"), ("odd_reason", "suggested"), ("stop", "failed")],
)
def test_only_an_answer_that_was_whole_by_its_own_word_is_a_failure(
    script, make_animals, reason, state
):
    (animal,) = make_animals(1)
    says(script, '{"tagline": "Calm.", "bi', reason)
    assert enrich_row("dog_profiler", animal.pk).state == state
