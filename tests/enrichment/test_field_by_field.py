"""A profile's good fields are applied; the others wait for a person, who decides on these alone."""

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import translation

from benchmarks.model_answers import as_generation
from enrichment import review
from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.undo import undo
from enrichment.engine.lanes import run_lane
from enrichment.enrichments.contract import Enrichment, Judgement, PromptText
from enrichment.enrichments.field_by_field import FieldByField
from enrichment.errors import BadValue, InputChanged
from enrichment.listings.models import Animal
from enrichment.models import Batch, EnrichmentResult
from enrichment.quality.findings import GateFinding
from enrichment.quality.gates import Checked, announcement, unknown_numbers, within_limits
from enrichment.single import enrich_row
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig, NodeConfiguration
from tests.api import caller
from tests.browsing import PASSWORD, browse, in_a_browser
from tests.llmconfig.scripted import scripted_server

GOOD = {"tagline": "Rex is calm.", "bio": "Rex is calm and shy.", "personality_traits": ["calm"]}
BAD = {"looking_for": "a home", "personality_traits": ["brave"]}  # cats are dropped; invented
ANSWER = {**GOOD, **BAD, "personality_traits": ["calm", "brave"]}
DESCRIPTION = "Rex is calm and shy. He needs a home with no cats."


def whole_answer_is_told(checked: Checked) -> GateFinding | None:
    """Objects to what stands in no field alone."""
    two = {"one", "two"} <= set(checked.text.split())
    return GateFinding("contradiction", "It says one and two.") if two else None


class Coins(FieldByField):
    """Fields of any name: what is asked of them is declared, not known by their names."""

    name = "coins"
    label = "Coins"
    node = "coins"
    target = "museum.Coin"
    reads = ("label",)
    writes = "details"
    prompt = PromptText(system="", user="{{label}}")
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {
            "metal": {"type": "string"}, "year": {"type": "string"}, "place": {"type": "string"},
            "marks": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        },
        "required": ["metal"],
    }  # fmt: skip
    gates = (unknown_numbers, announcement, within_limits(schema), whole_answer_is_told)

    def values(self, row: Any, *, variant: str) -> dict[str, str]:
        return {"label": row["label"]}

    def accept(self, answer: Any, values: Any) -> Any:
        return answer.parsed


class Grouped(Coins):
    together = (frozenset({"year", "place"}),)


class Wanted(Coins):
    indispensable = frozenset({"year"})


def judged(enrichment: Enrichment, **fields: Any) -> Judgement:
    answer = as_generation({"text": json.dumps(fields), "parsed": fields, "finish": "stop"})
    values = {"label": "A coin of silver from Rome."}
    return enrichment.judge(answer, values, variant="", floor=0.0, columns={})


def test_fields_that_pass_are_applied_and_each_other_one_waits_with_its_reason() -> None:
    found = judged(Coins(), metal="silver", year="in 1789", marks=["a 7", "a star"])
    assert not found.findings
    assert found.value == {"metal": "silver", "marks": ["a star"]}
    assert found.suggestion == {"metal": "silver", "year": "in 1789", "marks": ["a 7", "a star"]}
    told = [(each.code, each.data["field"], each.data["found"]) for each in found.doubts]
    assert told == [("unknown_numbers", "year", ["1789"]), ("unknown_numbers", "marks", ["7"])]
    assert found.reason.startswith("year: ")
    assert "marks: " in found.reason


def test_a_required_field_may_wait_unless_it_is_declared_indispensable() -> None:
    assert judged(Coins(), metal="silver 9", place="Rome").value == {"place": "Rome"}
    assert not judged(Coins(), metal="silver", year="1789").findings
    held = judged(Wanted(), metal="silver", year="1789")
    assert [each.code for each in held.findings] == ["unknown_numbers"]
    assert held.value == {"metal": "silver", "year": "1789"}
    assert held.suggestion is None


def test_fields_that_are_declared_to_belong_together_wait_for_one_another() -> None:
    found = judged(Grouped(), metal="silver", year="1789", place="Rome")
    assert found.value == {"metal": "silver"}
    told = [(each.code, each.data["field"]) for each in found.doubts]
    assert told == [("unknown_numbers", "year"), ("held_together", "place")]


@pytest.mark.parametrize(
    "fields",
    [
        {"metal": "silver", "place": "Here is the description: Rome"},  # about the answer
        {"metal": "one", "place": "two"},  # in no field alone
        {"metal": "one", "place": "two in 1789"},  # nor, though a field is held for another reason
        {"metal": "one", "place": "two", "year": "1789"},  # the rest doesn't pass by itself
        {"metal": "1789", "place": "1790"},  # none is left
    ],
)
def test_a_finding_that_no_field_explains_holds_everything(fields: dict[str, Any]) -> None:
    found = judged(Coins(), **fields)
    assert found.findings
    assert (found.value, found.suggestion) == (fields, None)


def test_a_finding_of_the_same_kind_elsewhere_ties_none_to_a_field() -> None:
    """Two of the three contradict each other, and another field is held by the same code."""
    fields = {"metal": "one", "place": "two", "year": "one two"}
    found = judged(Coins(), **fields)
    assert [each.code for each in found.findings] == ["contradiction"]
    assert found.suggestion is None


@pytest.fixture(scope="module")
def server_at() -> Iterator[Any]:
    with scripted_server() as script:
        yield script


@pytest.fixture
def partly(server_at: Any, make_provider: Any, make_animals: Any) -> EnrichmentResult:
    """A profile through the whole engine: three fields are applied, one and a half wait."""
    provider = make_provider("p", "custom", model_id="m", api_base_url=f"{server_at.url}/v1")
    NodeConfiguration.objects.create(
        node_name="dog_profiler", interaction_type="enricher", default_model="p/m"
    )
    LLMConfig.objects.filter(pk=1).update(provider=provider, retry_delay=0)
    snapshot.expire()
    message = {"role": "assistant", "content": json.dumps(ANSWER)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    server_at.tell({"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage})
    make_animals(1, name="Rex", description=DESCRIPTION)
    run_lane(creation.create("dog_profiler", Selection()).pk)
    return EnrichmentResult.objects.get()


def profile() -> Any:
    return Animal.objects.get().dog_profiler_data


def write(**fields: Any) -> None:
    Animal.objects.update(dog_profiler_data={**profile(), **fields})


database = pytest.mark.django_db(transaction=True)


@database
def test_a_row_gets_the_good_fields_and_the_queue_the_others(partly: EnrichmentResult) -> None:
    assert (partly.state, profile()) == ("applied", GOOD)
    (shown,) = review.with_rows(review.queue())
    assert shown.waiting == BAD
    assert shown.current == GOOD
    assert shown.proposed == ANSWER
    (told,) = caller("operator").get("/api/llm/review").json()["results"]
    assert (told["waiting"], told["proposed"]) == (BAD, ANSWER)
    assert {each["data"]["field"] for each in told["findings"]} == set(BAD)
    assert review.queue(code="dropped_condition").get() == partly


@database
def test_accepting_adds_what_waits_and_an_undo_takes_it_out(partly: EnrichmentResult) -> None:
    review.accept(partly.pk, user=None)
    assert profile() == ANSWER
    assert not review.queue().exists()
    review.undo(partly.pk)
    assert profile() == GOOD
    assert review.queue().get().suggestion == ANSWER
    review.accept(partly.pk, user=None)
    undo(Batch.objects.get())
    assert profile() is None


@database
def test_what_a_person_wrote_since_stays(partly: EnrichmentResult) -> None:
    written = {"bio": "Rex is my own.", "personality_traits": ["mine"]}
    write(**written)
    review.accept(partly.pk, user=None)
    accepted = {**ANSWER, **written, "personality_traits": ["mine", "brave"]}
    assert profile() == accepted
    review.undo(partly.pk)
    assert profile() == {**GOOD, **written}
    review.accept(partly.pk, user=None)
    report = undo(Batch.objects.get())
    assert profile() == accepted
    assert report.left[0].reason == "Its value has been changed since."


@database
def test_a_field_that_a_person_has_filled_since_is_only_replaced_by_an_edit(
    partly: EnrichmentResult,
) -> None:
    write(looking_for="A home without cats.")
    with pytest.raises(InputChanged, match=r"looking_for of row .* has been written since"):
        review.accept(partly.pk, user=None)
    assert profile()["looking_for"] == "A home without cats."
    assert profile()["personality_traits"] == ["calm"]
    review.edit(partly.pk, {"looking_for": "A home, no cats."}, user=None)
    assert profile() == {**GOOD, "looking_for": "A home, no cats."}


@database
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"bio": "Rex is mine."}, "bio doesn't wait for a decision; looking_for, personality_"),
        ({"looking_for": ""}, "looking_for: .* should be non-empty"),
        ({}, "an object of the fields that wait: looking_for, personality_traits"),
        ("A home.", "an object of the fields that wait"),
    ],
)
def test_an_edit_is_of_what_waits_alone(partly: EnrichmentResult, value: Any, why: str) -> None:
    with pytest.raises(BadValue, match=why):
        review.edit(partly.pk, value, user=None)
    assert profile() == GOOD


@database
def test_rejecting_leaves_what_was_applied(partly: EnrichmentResult) -> None:
    review.reject(partly.pk, user=None)
    assert profile() == GOOD
    assert not review.queue().exists()
    review.undo(partly.pk)
    assert review.with_rows(review.queue())[0].waiting == BAD


@database
def test_a_single_row_says_that_a_part_of_it_waits(partly: EnrichmentResult) -> None:
    animal = Animal.objects.get()
    told = enrich_row("dog_profiler", animal.pk)
    assert (told.state, told.value, told.waits_in_part) == ("applied", GOOD, True)
    body = {"animal_id": animal.pk, "processing_type": "dog_profiler"}
    said = caller("operator").post("/api/llm/enrich", body, format="json").json()
    assert said["message"].startswith("Animal enriched in part; the rest waits for review: ")
    assert "looking_for: The text asks of the home also: cats." in said["message"]


@database
def test_the_page_shows_which_fields_wait_and_why_in_the_readers_language(
    partly: EnrichmentResult,
) -> None:
    browser = Client()
    browser.force_login(User.objects.create_superuser("ada"))
    page = " ".join(browser.get(reverse("admin:enrichment_review")).content.decode().split())
    assert "Waiting: Looking for, Personality traits (brave)." in page
    assert "not touched by this decision: Bio, Tagline, Personality traits." in page
    assert "Why it waits: The text asks of the home also: cats." in page
    with translation.override("de"):
        headers = {"accept-language": "de"}
        page = browser.get(reverse("admin:enrichment_review"), headers=headers).content.decode()
    page = " ".join(page.split())
    assert "Es warten: Looking for, Personality traits (brave)." in page
    assert "Warum es wartet: Eine Bedingung an das Zuhause fehlt: cats." in page


@in_a_browser
@database
def test_a_person_edits_the_fields_that_wait(live_server: Any, partly: EnrichmentResult) -> None:
    User.objects.create_superuser("grace", password=PASSWORD)

    def visit(page: Any) -> None:
        page.goto(live_server.url + reverse("admin:enrichment_review"))
        page.click("text=Edit or comment")
        assert json.loads(page.input_value("textarea[name=value]")) == BAD
        page.fill("textarea[name=value]", '{"looking_for": "A home with no cats."}')
        page.click("[data-verb=edit]")
        page.wait_for_selector("text=0 waiting")

    browse(live_server.url, visit)
    assert profile() == {**GOOD, "looking_for": "A home with no cats."}
