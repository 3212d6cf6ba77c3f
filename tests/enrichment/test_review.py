"""Suggestions and decisions: what was held back reaches its row only through a person."""

import re
import threading
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from enrichment import review
from enrichment.admin.review_values import compared, fields, parts
from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.engine.lanes import run_lane
from enrichment.errors import AlreadyDecided, BadValue, InputChanged
from enrichment.listings.models import Animal
from enrichment.models import EnrichmentResult, ResultState
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig, NodeConfiguration
from llmconfig.roles import ensure_roles
from metrics.feedback import record_decision
from metrics.models import GenerationHistory, GenerationMetric
from tests.api import caller
from tests.browsing import PASSWORD, browse, in_a_browser
from tests.enrichment.saying import TRAITS, model_says

pytestmark = pytest.mark.django_db(transaction=True)

INVENTED = "Dog likes to run and play ball at 99 Invented Street with you and me"
HOSTILE = "<script>window.ran = 1</script>"


@pytest.fixture
def ada():
    ensure_roles()
    return User.objects.create_superuser("ada")


@pytest.fixture
def suggestion(provider, make_animals):
    """One that was held back for a number from nowhere, through the whole engine."""
    make_animals(1)
    model_says("description_cleaning", INVENTED)
    run_lane(creation.create("description_cleaning", Selection()).pk)
    return EnrichmentResult.objects.get()


@pytest.fixture
def partly(provider, make_animals):
    """Tags of which some were sure enough and others not."""
    NodeConfiguration.objects.create(
        node_name="tagging", interaction_type="tagger", default_model="sim/gpt-4o-mini"
    )
    LLMConfig.objects.filter(pk=1).update(min_confidence_tagging=0.5)
    snapshot.expire()
    make_animals(40, description=TRAITS)
    run_lane(creation.create("tagging", Selection()).pk)
    return EnrichmentResult.objects.filter(
        state="applied", suggestion__isnull=False, findings__contains=[{"code": "low_confidence"}]
    ).first()


def history_of(result):
    row = GenerationHistory.objects.get(correlation_id=result.correlation_id)
    return row.user_accepted, row.user_feedback, row.manual_edits_required


def test_what_fails_a_gate_is_not_applied_and_says_why(suggestion):
    assert suggestion.state == ResultState.SUGGESTED
    assert "99" in suggestion.reason
    assert "Invented" in suggestion.reason
    assert Animal.objects.get().enriched_description is None
    (shown,) = review.with_rows(review.queue())
    assert (shown.current, shown.input_changed) == (None, False)
    assert shown.proposed.startswith("Dog likes")
    assert "Dog 0 likes to run" in shown.source


def test_the_history_tells_the_score_its_reasons_and_the_prompts_version(suggestion):
    row = GenerationHistory.objects.get(correlation_id=suggestion.correlation_id)
    part = row.quality_parts[0]
    assert part["check"] == "gates"
    assert " ".join(part["notes"]) == suggestion.reason
    assert 0 <= row.quality_score == part["score"] < 1
    assert row.validation_passed is False
    call = GenerationMetric.objects.get(correlation_id=suggestion.correlation_id)
    assert (call.operation_type, call.prompt_version) == (
        "description_cleaning",
        suggestion.prompt_version,
    )


def test_the_queue_is_narrowed_by_the_findings_code(suggestion, ada):
    codes = {each["code"] for each in suggestion.findings}
    assert codes >= {"unknown_numbers", "unknown_names"}
    assert review.queue(code="unknown_numbers").get() == suggestion
    assert not review.queue(code="wrong_language").exists()
    client = Client()
    client.force_login(ada)
    address = reverse("admin:enrichment_review")
    for code, waiting in (("unknown_names", 1), ("template_remains", 0), ("nonsense", 1)):
        page = client.get(address, {"code": code}).content.decode()
        assert f"{waiting} waiting" in " ".join(page.split())
    listed = caller("operator").get("/api/llm/review", {"reason_code": "unknown_numbers"}).json()
    (shown,) = listed["results"]
    number = next(each for each in shown["findings"] if each["code"] == "unknown_numbers")
    assert number["data"] == {"found": ["99"]}
    none = caller("operator").get("/api/llm/review", {"reason_code": "too_long"}).json()
    assert none["results"] == []


def test_accepting_writes_the_row_and_the_history(suggestion, ada):
    review.accept(suggestion.pk, user=ada, feedback="They moved.")
    animal, result = Animal.objects.get(), EnrichmentResult.objects.get()
    assert animal.enriched_description == suggestion.value
    assert animal.llm_model_used == suggestion.model_used
    assert (result.state, result.reviewed_by, result.previous_value) == ("applied", ada, None)
    assert result.reviewed_at is not None
    assert history_of(result) == (True, "They moved.", False)
    assert not review.queue().exists()


def test_editing_writes_the_reviewers_words_and_says_so(suggestion, ada):
    review.edit(suggestion.pk, "Dog likes to \x00 play.", user=ada)
    assert Animal.objects.get().enriched_description == "Dog likes to \ufffd play."
    assert Animal.objects.get().llm_model_used == "reviewed"
    assert history_of(suggestion) == (True, None, True)


def test_rejecting_leaves_the_row_and_it_is_not_queued_again(suggestion, ada):
    review.reject(suggestion.pk, user=ada, feedback="Invented.")
    assert Animal.objects.get().enriched_description is None
    assert EnrichmentResult.objects.get().state == ResultState.REJECTED
    assert history_of(suggestion) == (False, "Invented.", None)
    assert creation.create("description_cleaning", Selection()).rows_total == 0


def test_a_suggestion_for_a_row_that_has_changed_can_only_be_rejected(suggestion, ada):
    Animal.objects.update(description="Now she is calm.")
    (shown,) = review.with_rows(review.queue())
    assert shown.input_changed
    for decide in (
        lambda: review.accept(suggestion.pk, user=ada),
        lambda: review.edit(suggestion.pk, "A text.", user=ada),
    ):
        with pytest.raises(InputChanged, match="has changed"):
            decide()
    assert Animal.objects.get().enriched_description is None
    review.reject(suggestion.pk, user=ada)
    assert not review.queue().exists()


def test_a_suggestion_for_a_row_that_is_gone_can_only_be_rejected(suggestion, ada):
    Animal.objects.all().delete()
    assert review.with_rows(review.queue())[0].row is None
    with pytest.raises(InputChanged, match="is gone"):
        review.accept(suggestion.pk, user=ada)
    review.reject(suggestion.pk, user=ada)


def test_nobody_decides_twice(suggestion, ada):
    review.reject(suggestion.pk, user=ada)
    for decide in (review.accept, review.reject):
        with pytest.raises(AlreadyDecided):
            decide(suggestion.pk, user=ada)


def test_of_two_reviewers_at_once_one_wins_and_the_other_is_told(suggestion, ada):
    told: list[Exception] = []

    def other():
        try:
            review.reject(suggestion.pk, user=None)
        except AlreadyDecided as refusal:
            told.append(refusal)
        finally:
            connection.close()

    thread = threading.Thread(target=other)
    with transaction.atomic():
        review.accept(suggestion.pk, user=ada)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()  # it waits for our lock
    thread.join()
    assert len(told) == 1
    assert Animal.objects.get().enriched_description == suggestion.value


def test_a_newer_result_takes_a_suggestion_out_of_the_queue(suggestion, ada):
    model_says("description_cleaning", "Dog likes to run and play ball")
    run_lane(creation.create("description_cleaning", Selection(force=True)).pk)
    assert EnrichmentResult.objects.first().state == ResultState.APPLIED
    assert not review.queue().exists()
    with pytest.raises(AlreadyDecided):
        review.accept(suggestion.pk, user=ada)


@pytest.mark.parametrize("value", ["", "   ", None, 5, {"text": "x"}])
def test_a_text_is_not_replaced_by_nothing_or_by_something_else(suggestion, ada, value):
    with pytest.raises(BadValue, match="value: It must be a text"):
        review.edit(suggestion.pk, value, user=ada)
    assert review.queue().exists()


def test_doubtful_parts_wait_while_sure_ones_are_applied(partly, ada):
    animal = Animal.objects.get(pk=partly.row_id)
    assert animal.tags == partly.value
    assert all(part["confidence"] >= 0.5 for part in animal.tags)
    assert min(part["confidence"] for part in partly.suggestion) == partly.confidence < 0.5
    assert partly.confidence_source == "self_reported"
    assert "is below 0.5" in partly.reason
    review.accept(partly.pk, user=ada)
    animal.refresh_from_db()
    assert animal.tags == partly.suggestion
    accepted = EnrichmentResult.objects.get(pk=partly.pk)
    assert (accepted.previous_value, accepted.suggestion) == (None, None)


def test_rejecting_doubtful_parts_keeps_the_sure_ones(partly, ada):
    review.reject(partly.pk, user=ada)
    assert Animal.objects.get(pk=partly.row_id).tags == partly.value
    rejected = EnrichmentResult.objects.get(pk=partly.pk)
    assert (rejected.state, rejected.suggestion) == ("applied", None)


def test_an_edited_list_of_tags_is_held_to_the_schema(partly, ada):
    with pytest.raises(BadValue, match=r"tags\.0\.tag: 'purple' is not one of"):
        review.edit(partly.pk, [{"tag": "purple", "confidence": 1}], user=ada)
    with pytest.raises(BadValue, match="no JSON"):
        review.edit_text(partly.pk, "[{", user=ada)
    review.edit_text(partly.pk, '[{"tag": "calm", "confidence": 1}]', user=ada)
    assert Animal.objects.get(pk=partly.row_id).tags == [{"tag": "calm", "confidence": 1}]


def test_a_decision_reads_one_or_two_months_of_history(suggestion, django_assert_max_num_queries):
    with django_assert_max_num_queries(1) as counted:
        record_decision(suggestion.correlation_id, near=timezone.now(), accepted=True)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {counted.captured_queries[0]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert plan.count("Update on llm_generation_history_") <= 2


BASE = "/api/llm/review"


def test_the_api_lists_and_decides(suggestion, ada):
    operator = caller("operator")
    page = operator.get(BASE).json()
    (shown,) = page["results"]
    assert shown["id"] == suggestion.pk
    assert shown["proposed"] == suggestion.value
    assert operator.get(f"{BASE}?processing_type=tagging").json()["results"] == []
    assert operator.get(f"{BASE}?processing_type=x").status_code == 400
    edited = operator.post(f"{BASE}/{suggestion.pk}/edit", {"value": "Fine."}, format="json")
    assert edited.json()["reviewed_by"] == "the-operator"
    assert Animal.objects.get().enriched_description == "Fine."
    again = operator.post(f"{BASE}/{suggestion.pk}/accept", {}, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "already_decided")


@pytest.mark.parametrize("verb", ["accept", "edit", "reject"])
def test_a_viewer_reads_the_queue_and_decides_nothing(suggestion, verb):
    viewer = caller("viewer")
    assert viewer.get(BASE).status_code == 200
    body = {"value": "x"} if verb == "edit" else {}
    assert viewer.post(f"{BASE}/{suggestion.pk}/{verb}", body, format="json").status_code == 403


def test_the_comparison_marks_words_and_escapes_them():
    left, right = compared(f"Rex is {HOSTILE} old", "Rex is new")
    assert "<script>" not in left + right
    assert '<ins class="nw-after">new</ins>' in right
    assert "Rex is" in left
    assert "<" not in compared("a " * 5_000, "b")[0]  # too long to compare


def test_the_page_shows_hostile_values_as_text(suggestion, ada):
    EnrichmentResult.objects.update(value=f"Rex {HOSTILE}", reason=HOSTILE)
    Animal.objects.update(enriched_description=HOSTILE)
    client = Client()
    client.force_login(ada)
    page = client.get(reverse("admin:enrichment_review")).content.decode()
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page


def test_the_page_refuses_a_viewers_decision_and_a_get(suggestion):
    ensure_roles()
    viewer = User.objects.create_user("vera", is_staff=True)
    viewer.groups.add(Group.objects.get(name="viewer"))
    client = Client()
    client.force_login(viewer)
    assert b"data-verb" not in client.get(reverse("admin:enrichment_review")).content
    address = reverse("admin:enrichment_review_decide", args=[suggestion.pk, "accept"])
    assert client.post(address).status_code == 403
    assert client.get(address).status_code == 405


@in_a_browser
def test_a_person_reviews_by_keyboard(live_server, provider, make_animals):
    make_animals(4)
    model_says("description_cleaning", INVENTED)
    run_lane(creation.create("description_cleaning", Selection()).pk)
    User.objects.create_superuser("grace", password=PASSWORD)
    first, second, third, fourth = review.queue()
    seen: dict[str, Any] = {}

    def visit(page):
        page.goto(live_server.url + reverse("admin:enrichment_review"))
        page.keyboard.press("a")  # accepts the first
        page.wait_for_selector("text=3 waiting")
        page.keyboard.press("j")
        page.keyboard.press("r")  # rejects the third
        page.wait_for_selector("text=2 waiting")
        page.keyboard.press("e")  # edits the second
        page.keyboard.press("Control+a")
        page.keyboard.type("A calm dog, a jar of keys.")  # a, j, r, k and e are text in here
        page.click("[data-verb=edit] >> nth=0")
        page.wait_for_selector("text=1 waiting")
        page.set_viewport_size({"width": 390, "height": 844})
        seen["wide"] = page.evaluate("document.documentElement.scrollWidth")

    browse(live_server.url, visit)
    states = dict(EnrichmentResult.objects.values_list("pk", "state"))
    assert states == {
        first.pk: "applied", second.pk: "applied", third.pk: "rejected", fourth.pk: "suggested",
    }  # fmt: skip
    written = Animal.objects.get(pk=second.row_id).enriched_description
    assert written == "A calm dog, a jar of keys."
    assert seen["wide"] <= 390  # nothing sticks out of a phone


QUEUE = reverse("admin:enrichment_review")


@pytest.fixture
def page(ada):
    client = Client()
    client.force_login(ada)
    return client


def test_a_decision_is_undone_in_row_result_and_history(suggestion, page):
    before = Animal.objects.get().enriched_description
    for verb, value in (("accept", ""), ("edit", "Rex is kind."), ("reject", "")):
        address = reverse("admin:enrichment_review_decide", args=[suggestion.pk, verb])
        page.post(address, {"value": value})
        assert not review.queue().exists()
        assert GenerationHistory.objects.get().user_accepted is (verb != "reject")
        page.post(reverse("admin:enrichment_review_undo"))
        assert Animal.objects.get().enriched_description == before
        again = review.queue().get()
        assert (again.value, again.state) == (suggestion.value, "suggested")
        assert (again.reviewed_by, again.decided_parts) == (None, None)
        assert GenerationHistory.objects.get().user_accepted is None


def test_a_results_page_undoes_its_decision_where_numbers_are_written_otherwise(
    suggestion, page, settings
):
    settings.LANGUAGE_CODE, settings.USE_THOUSAND_SEPARATOR = "de", True
    EnrichmentResult.objects.filter(pk=suggestion.pk).update(id=1_234_567)
    page.post(reverse("admin:enrichment_review_decide", args=[1_234_567, "accept"]))
    address = reverse("admin:enrichment_enrichmentresult_change", args=[1_234_567])
    (shown,) = re.findall(r'name="result"\s+value="([^"]*)"', page.get(address).content.decode())
    page.post(reverse("admin:enrichment_review_undo"), {"result": shown})
    assert review.queue().filter(pk=1_234_567).exists()


def test_an_undo_of_doubtful_parts_gives_the_sure_ones_back(partly, ada):
    sure = Animal.objects.get(pk=partly.row_id).tags
    review.accept(partly.pk, user=ada)
    assert Animal.objects.get(pk=partly.row_id).tags != sure
    review.undo(partly.pk)
    assert Animal.objects.get(pk=partly.row_id).tags == sure
    assert review.queue().filter(pk=partly.pk, suggestion=partly.suggestion).exists()


def test_an_undo_never_overwrites_what_came_later(suggestion, ada):
    with pytest.raises(AlreadyDecided):
        review.undo(suggestion.pk)
    review.accept(suggestion.pk, user=ada)
    Animal.objects.update(enriched_description="Newer.")
    with pytest.raises(InputChanged):
        review.undo(suggestion.pk)
    assert Animal.objects.get().enriched_description == "Newer."


def test_all_that_a_filter_shows_is_decided_after_a_question_and_undone(
    provider, make_animals, page
):
    make_animals(3)
    model_says("description_cleaning", INVENTED)
    run_lane(creation.create("description_cleaning", Selection()).pk)
    batch = EnrichmentResult.objects.first().batch_id
    address = reverse("admin:enrichment_review_all", args=["accept"])
    query = f"enrichment=description_cleaning&batch={batch}"
    question = page.post(address, {"query": query}).content.decode()
    assert "Accept 3 suggestions?" in question
    assert review.queue().count() == 3
    done = page.post(address, {"query": query, "confirmed": "yes"}, follow=True)
    assert "Accepted: 3." in done.content.decode()
    assert Animal.objects.filter(enriched_description__contains="Invented").count() == 3
    page.post(reverse("admin:enrichment_review_undo"), {"query": query})
    assert review.queue().count() == 3
    assert not Animal.objects.filter(enriched_description__contains="Invented").exists()


def test_filters_narrow_the_queue_and_a_skipped_card_stays_skipped(suggestion, page):
    def waiting(**asked):
        return len(page.get(QUEUE, asked).context["cards"])

    animal = Animal.objects.select_related("organization").get()
    slug = animal.organization.slug if animal.organization else ""
    EnrichmentResult.objects.update(confidence=0.6, variant="de")
    assert waiting(below="0.7", language="de", organization=slug, batch=suggestion.batch_id) == 1
    for other in ({"below": "0.5"}, {"language": "fr"}, {"enrichment": "tagging"},
                  {"batch": "0f0e0d0c-0b0a-4908-8706-050403020100"}):  # fmt: skip
        assert waiting(**other) == 0, other
    assert str(animal) in page.get(QUEUE).content.decode()
    page.post(reverse("admin:enrichment_review_decide", args=[suggestion.pk, "skip"]))
    assert waiting() == 0
    assert waiting(skipped="1") == 1
    assert review.queue().count() == 1


@translation.override("en")  # what a page activates stays otherwise
def test_why_it_waits_is_said_in_the_readers_language_and_old_reasons_stay(suggestion, page):
    queue = reverse("admin:enrichment_review")
    english = "Numbers that the source doesn"
    assert english in page.get(queue).content.decode()
    page.cookies["django_language"] = "de"
    text = page.get(queue).content.decode()
    assert "Beschreibungen bereinigen" in text
    assert re.search(r"Zahlen[^<]*: [^<]*99", text)
    assert english not in text
    one = reverse("admin:enrichment_enrichmentresult_change", args=[suggestion.pk])
    assert english not in page.get(one).content.decode()
    EnrichmentResult.objects.update(findings=None, reason="Kept from before")
    assert "Kept from before" in page.get(queue).content.decode()
    EnrichmentResult.objects.update(
        findings=[{"code": "gone", "text": "Of an old gate", "data": {}}]
    )
    assert "Of an old gate" in page.get(queue).content.decode()


def test_lists_and_objects_are_compared_by_part_and_field():
    shown = parts([{"name": "calm", "confidence": 1}, "old"], [{"name": "calm"}, HOSTILE])
    assert "<script>" not in shown
    assert shown.count("added") == shown.count("removed") == 1
    found = {
        name: differs for name, _, _, differs, _ in fields({"age": "2"}, {"age": "3", "sex": 1})
    }
    assert found == {"Age": True, "Sex": True}
