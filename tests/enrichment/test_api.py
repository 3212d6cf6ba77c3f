"""The API under `/api/llm`: its shapes to the letter, a lost broker survived, clear refusals."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from kombu import pools
from redis import Redis
from rest_framework.test import APIClient

from enrichment.engine.inline import run_inline
from enrichment.listings.models import Animal, Organization
from enrichment.models import Batch
from llmconfig.models import LLMConfig
from project.celery import app
from tests.api import caller
from tests.llmconfig.conftest import CANARY, Simulator

pytestmark = pytest.mark.django_db(transaction=True)
BASE = "/api/llm"
MakeAnimals = Callable[..., list[Animal]]


@pytest.fixture
def operator() -> APIClient:
    return caller("operator")


@pytest.fixture
def queue() -> Iterator[Redis]:
    """The broker, emptied of what the tests put there."""
    broker = Redis.from_url(os.environ["REDIS_URL"])
    yield broker
    broker.flushdb()
    broker.close()


def test_one_listing_is_enriched_in_the_seeds_shape(
    operator: APIClient, provider: Any, make_animals: MakeAnimals
) -> None:
    (animal,) = make_animals(1)
    answer = operator.post(f"{BASE}/enrich", {"animal_id": animal.pk}, format="json")
    assert answer.status_code == 200, answer.content
    animal.refresh_from_db()
    assert animal.enriched_description
    assert answer.json() == {
        "success": True,
        "message": "Animal enriched successfully",
        "processed_count": 1,
        "failed_count": 0,
        "state": "applied",
        "value": animal.enriched_description,
    }


def test_listings_are_read_with_their_enrichments_and_only_once_while_they_stay(
    operator: APIClient, make_animals: MakeAnimals
) -> None:
    said = {"es": "Le gusta correr.", "fr": "Elle aime courir."}
    first, _ = make_animals(2, translations=said, tags=[{"tag": "calm"}])
    address = f"{BASE}/animals/{first.pk}"
    answer = operator.get(address)
    assert answer.status_code == 200
    assert answer.json()["translations"] == said
    assert answer.json()["organization"]["slug"] == "rescue"
    assert answer["Cache-Control"] == "private, no-cache"
    assert operator.get(f"{address}?language=fr").json()["translations"] == {"fr": said["fr"]}
    assert operator.get(f"{address}?language=de").json()["translations"] == {}
    assert operator.get(f"{address}?language=Spanish!").status_code == 400
    tag = answer["ETag"]
    assert operator.get(address, headers={"If-None-Match": f'"other", W/{tag}'}).status_code == 304
    Animal.objects.filter(pk=first.pk).update(enriched_description="Loves to run.")
    fresh = operator.get(address, headers={"If-None-Match": tag})
    assert fresh.json()["enriched_description"] == "Loves to run."
    page = operator.get(f"{BASE}/animals?limit=1&language=es&ordering=-id").json()
    assert (page["count"], len(page["results"])) == (2, 1)
    assert list(page["results"][0]["translations"]) == ["es"]
    assert operator.get(f"{BASE}/animals?organization=nobody").json()["count"] == 0
    listed = operator.get(f"{BASE}/animals")
    again = operator.get(f"{BASE}/animals", headers={"If-None-Match": listed["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert operator.get(f"{BASE}/animals/999999").status_code == 404


def test_strangers_read_listings_where_the_project_publishes_them(
    make_animals: MakeAnimals, settings: Any, operator: APIClient
) -> None:
    (animal,) = make_animals(1)
    addresses = [f"{BASE}/animals", f"{BASE}/animals/{animal.pk}?language=es"]
    assert [APIClient().get(each).status_code for each in addresses] == [401, 401]
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_LISTINGS_PUBLIC_SECONDS": 600}
    for address in addresses:
        for client in (APIClient(), operator):
            answer = client.get(address)
            assert (answer.status_code, answer["Cache-Control"]) == (200, "public, max-age=600")
            assert "cookie" not in answer.get("Vary", "").lower()
    assert APIClient().get(f"{BASE}/stats").status_code == 401
    assert APIClient().post(f"{BASE}/animals", {}).status_code in {401, 403, 405}


def test_a_failed_listing_stays_as_it_was_and_tells_why(
    operator: APIClient, provider: Any, make_animals: MakeAnimals, simulator: Simulator
) -> None:
    (animal,) = make_animals(1)
    simulator.fail(status=400, message=f"no such thing for {CANARY}")
    body = {"animal_id": animal.pk, "processing_type": "description_cleaning"}
    answer = operator.post(f"{BASE}/enrich", body, format="json")
    assert answer.status_code == 503
    told = answer.json()
    assert (told["success"], told["processed_count"], told["failed_count"]) == (False, 0, 1)
    assert "stays as it was" in told["message"]
    assert CANARY[:8] not in answer.content.decode()
    animal.refresh_from_db()
    assert animal.enriched_description is None


def test_a_listing_without_text_is_skipped(
    operator: APIClient, provider: Any, make_animals: MakeAnimals, simulator: Simulator
) -> None:
    (animal,) = make_animals(1, description="")
    body = {"animal_id": animal.pk, "processing_type": "description_cleaning"}
    told = operator.post(f"{BASE}/enrich", body, format="json").json()
    assert (told["success"], told["processed_count"], told["failed_count"]) == (True, 0, 0)
    assert simulator.requests == 0


def test_a_listing_that_is_not_there_is_404(operator: APIClient, provider: Any) -> None:
    body = {"animal_id": 999, "processing_type": "description_cleaning"}
    answer = operator.post(f"{BASE}/enrich", body, format="json")
    assert answer.status_code == 404
    assert set(answer.json()) == {"success", "message", "code"}


def test_a_text_is_translated(operator: APIClient, provider: Any) -> None:
    body = {"text": "Friendly dog", "target_language": "es", "source_language": "en"}
    answer = operator.post(f"{BASE}/translate", body, format="json")
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert told["success"] is True
    assert told["translated_text"]
    assert (told["target_language"], told["source_language"]) == ("es", "en")


def test_a_failed_translation_gives_the_text_back_with_the_reason(
    operator: APIClient, provider: Any, simulator: Simulator
) -> None:
    simulator.fail(status=400)
    body = {"text": "Friendly dog", "target_language": "es"}
    answer = operator.post(f"{BASE}/translate", body, format="json")
    assert answer.status_code == 503
    told = answer.json()
    assert (told["success"], told["translated_text"]) == (False, "Friendly dog")
    assert told["message"]


def test_statistics_are_the_seeds_seven_for_all_or_one_organization(
    provider: Any, make_animals: MakeAnimals
) -> None:
    make_animals(3)
    Animal.objects.filter(pk__in=[make_animals(1)[0].pk]).update(
        enriched_description="Clean.", translations={"es": "Limpio."}
    )
    organization = Organization.objects.get()
    viewer = caller("viewer")
    for query in ("", f"?organization_id={organization.pk}"):
        assert viewer.get(f"{BASE}/stats{query}").json() == {
            "total_animals": 4,
            "enriched_descriptions": 1,
            "dog_profiles": 0,
            "with_translations": 1,
            "enrichment_coverage": 25.0,
            "profile_coverage": 0.0,
            "translation_coverage": 25.0,
        }
    assert viewer.get(f"{BASE}/stats?organization_id=999").status_code == 404


def test_a_batch_is_queued_run_and_watched(
    operator: APIClient, provider: Any, make_animals: MakeAnimals, queue: Redis
) -> None:
    animals = make_animals(5)
    body = {
        "animal_ids": [animal.pk for animal in animals[:3]] + [999],
        "processing_type": "translation",
        "target_language": "pt-BR",
        "batch_size": 2,
    }
    answer = operator.post(f"{BASE}/batch-enrich", body, format="json")
    assert answer.status_code == 202, answer.content
    told = answer.json()
    assert (told["success"], told["processed_count"], told["failed_count"]) == (True, 0, 0)
    assert "3 rows started" in told["message"]
    assert "1 need no work or don't exist" in told["message"]
    assert queue.llen("celery") == LLMConfig.objects.get().concurrent_tasks
    run_inline(UUID(told["batch_id"]), may_go_on=lambda: True)  # as a worker would
    shown = operator.get(f"{BASE}/batches/{told['batch_id']}").json()
    assert (shown["status"], shown["write_size"]) == ("completed", 2)
    assert (shown["progress"]["done"], shown["progress"]["finished"]) == (3, 3)
    assert shown["created_by"] == "the-operator"
    assert Animal.objects.filter(translations__has_key="pt-BR").count() == 3


def test_without_a_broker_a_batch_is_stored_and_says_that_it_waits(
    operator: APIClient, provider: Any, make_animals: MakeAnimals
) -> None:
    animals = make_animals(2)
    body = {"animal_ids": [animals[0].pk], "processing_type": "description_cleaning"}
    real = app.conf.broker_url
    try:
        _point_at("redis://127.0.0.1:1/0")
        answer = operator.post(f"{BASE}/batch-enrich", body, format="json")
        general = {"processing_type": "description_cleaning", "animal_ids": [animals[1].pk]}
        other = operator.post(f"{BASE}/batches", general, format="json")
    finally:
        _point_at(real)
    for each in (answer, other):
        assert each.status_code == 202, each.content
        assert "broker can't be reached" in each.json()["message"]
    assert Batch.objects.get(pk=answer.json()["batch_id"]).status == "pending"


def _point_at(broker_url: str) -> None:
    """Celery keeps its connections: give it the address anew."""
    app.conf.update(
        broker_url=broker_url,
        broker_write_url=broker_url,
        task_publish_retry=not broker_url.endswith(":1/0"),
    )
    vars(app)["_pool"] = vars(app.amqp)["_producer_pool"] = None
    pools.reset()


def test_a_batch_is_paused_resumed_and_cancelled(
    operator: APIClient, provider: Any, make_animals: MakeAnimals, queue: Redis
) -> None:
    make_animals(3)
    body = {"processing_type": "description_cleaning", "organization": "rescue", "limit": 2}
    made = operator.post(f"{BASE}/batches", body, format="json")
    assert made.status_code == 202, made.content
    assert made.json()["rows_total"] == 2
    address = f"{BASE}/batches/{made.json()['id']}"
    assert operator.post(f"{address}/pause").json()["status"] == "paused"
    again = operator.post(f"{address}/pause")
    assert (again.status_code, again.json()["code"]) == (409, "not_allowed_now")
    before = queue.llen("celery")
    assert operator.post(f"{address}/resume").json()["status"] == "pending"
    assert queue.llen("celery") > before
    assert operator.post(f"{address}/cancel").json()["status"] == "cancelled"
    assert operator.post(f"{address}/resume").status_code == 409


def test_failures_tell_row_and_reason(
    operator: APIClient,
    provider: Any,
    make_animals: MakeAnimals,
    simulator: Simulator,
    queue: Redis,
) -> None:
    animals = make_animals(3)
    simulator.plan({"text": animals[1].description, "action": {"status": 400}})
    body = {"processing_type": "description_cleaning", "animal_ids": [each.pk for each in animals]}
    batch_id = operator.post(f"{BASE}/batch-enrich", body, format="json").json()["batch_id"]
    run_inline(UUID(batch_id), may_go_on=lambda: True)
    told = operator.get(f"{BASE}/batches/{batch_id}/failures").json()
    assert [each["row_id"] for each in told["results"]] == [str(animals[1].pk)]
    assert told["results"][0]["reason"]


@pytest.mark.usefixtures("known_configuration")
def test_the_list_of_batches_costs_the_same_queries_however_long_it_is(
    operator: APIClient, provider: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        Batch.objects.create(enrichment="description_cleaning")
    # Token with its user, the user's groups, the count, the page with its sums.
    with django_assert_max_num_queries(4):
        assert len(operator.get(f"{BASE}/batches").json()["results"]) == 12
    assert operator.get(f"{BASE}/batches?status=paused").json()["count"] == 0


def test_switched_off_calls_are_503_and_say_what_to_do(
    operator: APIClient, provider: Any, make_animals: MakeAnimals
) -> None:
    (animal,) = make_animals(1)
    LLMConfig.objects.update(enabled=False)
    caller("administrator").post("/api/v1/llm/cache/clear")
    body = {"animal_id": animal.pk, "processing_type": "description_cleaning"}
    answer = operator.post(f"{BASE}/enrich", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (503, "calls_disabled")
    assert "switched off" in answer.json()["message"]


def test_a_feature_that_is_off_is_503(
    operator: APIClient, provider: Any, make_animals: MakeAnimals, settings: Any
) -> None:
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_FEATURE_TRANSLATION": False}
    body = {"text": "Friendly dog", "target_language": "es"}
    answer = operator.post(f"{BASE}/translate", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (503, "feature_off")


CLEANING = {"processing_type": "description_cleaning"}
BAD_BODIES = [
    ("enrich", {}, "animal_id"),
    ("batch-enrich", {}, "animal_ids"),
    ("batches", {}, "processing_type"),
    ("enrich", CLEANING, "animal_id"),
    ("enrich", {**CLEANING, "animal_id": 0}, "animal_id"),
    ("enrich", {**CLEANING, "animal_id": -5}, "animal_id"),
    ("enrich", {**CLEANING, "animal_id": 2**63}, "animal_id"),
    ("enrich", {**CLEANING, "animal_id": "1 OR 1=1"}, "animal_id"),
    ("enrich", {"animal_id": 1, "processing_type": "grooming"}, "processing_type"),
    ("enrich", {"animal_id": 1, "processing_type": "nul\0"}, "processing_type"),
    ("enrich", {**CLEANING, "animal_id": 1, "force": True}, "force"),
    ("enrich", {"animal_id": 1, "processing_type": "translation"}, "target_language"),
    ("batch-enrich", {**CLEANING, "animal_ids": []}, "animal_ids"),
    ("batch-enrich", {**CLEANING, "animal_ids": [1, -1]}, "animal_ids"),
    ("batch-enrich", {**CLEANING, "animal_ids": "1,2"}, "animal_ids"),
    ("batch-enrich", {**CLEANING, "animal_ids": [1], "batch_size": 0}, "batch_size"),
    ("batch-enrich", {**CLEANING, "animal_ids": [1], "batch_size": 26}, "batch_size"),
    ("batch-enrich", {"animal_ids": [1], "processing_type": "grooming"}, "processing_type"),
    ("batch-enrich", {**CLEANING, "animal_ids": [1], "target_language": "es"}, "target_language"),
    ("translate", {"text": "", "target_language": "es"}, "text"),
    ("translate", {"text": "<p></p>", "target_language": "es"}, "text"),
    ("translate", {"text": "nul\0", "target_language": "es"}, "text"),
    ("translate", {"text": "x" * 12_001, "target_language": "es"}, "text"),
    ("translate", {"text": "dog", "target_language": "Spanish!"}, "target_language"),
    ("translate", {"text": "dog", "target_language": "es", "source_language": "?"}, "source"),
    ("batches", {**CLEANING, "organization": "nowhere"}, "organization"),
    ("batches", {**CLEANING, "limit": 0}, "limit"),
    ("batches", {"processing_type": "translation"}, "target_languages: "),
    (
        "batches",
        {"processing_type": "translation", "target_languages": ["Spanish!"]},
        "target_languages: ",
    ),
    ("batches", {**CLEANING, "target_languages": ["es"]}, "target_languages: "),
    ("batches", {**CLEANING, "row_ids": ["x"]}, "row_ids: "),
    ("batches/forecast", {**CLEANING, "row_ids": ["x"]}, "row_ids: "),
    ("enrich", {**CLEANING, "row_id": "x"}, "row_id: "),
    ("batches", {**CLEANING, "within_hours": 30}, "within_hours: live"),
    ("evaluations/sets", {**CLEANING, "name": "a", "row_ids": ["x"]}, "row_ids: "),
    ("evaluations/sets", {**CLEANING, "name": "a", "language": "es"}, "language: "),
    ("evaluations/sets", {**CLEANING, "name": "a", "csv": "row_id,wanted"}, "csv: "),
]


@pytest.mark.parametrize(("address", "body", "field"), BAD_BODIES)
def test_a_bad_body_is_400_in_the_seeds_shape_and_names_the_field(
    address: str, body: dict[str, Any], field: str, operator: APIClient, provider: Any
) -> None:
    answer = operator.post(f"{BASE}/{address}", json.dumps(body), content_type="application/json")
    assert answer.status_code == 400, answer.content
    told = answer.json()
    assert set(told) == {"success", "message", "code"}
    assert told["success"] is False
    assert field in told["message"] or told["code"] == f"unknown_{field}", told
    assert not Batch.objects.exists()


def test_unknown_addresses_and_batches_are_404_in_the_same_shape(operator: APIClient) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    for address in ("nothing", f"batches/{nobody}", f"batches/{nobody}/failures", "batches/7"):
        answer = operator.get(f"{BASE}/{address}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert operator.post(f"{BASE}/batches/{nobody}/cancel").status_code == 404


def test_a_forecast_tells_cost_and_basis_and_makes_no_batch(
    provider: Any, make_animals: MakeAnimals, simulator: Simulator
) -> None:
    make_animals(4)
    body = {"processing_type": "description_cleaning", "limit": 3}
    answer = caller("viewer").post(f"{BASE}/batches/forecast", body, format="json")
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["rows"], told["calls"], told["model"]) == (3, 3, "gpt-4o-mini")
    live, half = told["cost_usd"]["p50"], told["cost_provider_batch_usd"]["p50"]
    assert 0 < half == pytest.approx(live / 2)
    assert "guess" in told["basis"]
    assert (Batch.objects.count(), simulator.requests) == (0, 0)
