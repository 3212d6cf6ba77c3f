"""Health: the process, what it stands on, and whether calls can be answered."""

from typing import Any

import pytest
from django.test import Client
from redis import Redis

from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig, NodeConfiguration, Provider
from tests.api import ANONYMOUS, caller
from tests.llmconfig.conftest import (  # noqa: F401 - fixtures
    MakeProvider,
    Simulator,
    connections_of_the_background_loop,
    fast,
    make_provider,
    simulator,
    simulator_process,
)
from tests.llmconfig.test_redis_lost import Server, valkey  # noqa: F401 - a fixture

HEALTH = "/api/health/llm"


@pytest.mark.django_db
def test_the_process_answers_without_a_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_liveness_is_told_to_known_hosts_only() -> None:
    assert Client().get("/healthz", headers={"host": "elsewhere.example"}).status_code == 400


@pytest.mark.django_db
def test_ready_means_database_and_broker() -> None:
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "broker": "ok"}


def test_a_broker_that_evicts_is_told_at_readyz_and_on_the_overview(
    valkey: Server,  # noqa: F811 - a fixture
    admin_client: Client,
    settings: Any,
) -> None:
    Redis.from_url(settings.REDIS_URL).config_set("maxmemory-policy", "allkeys-lru")
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["warnings"] == ["broker_evicts"]
    page = admin_client.get("/admin/").content.decode()
    assert "maxmemory-policy is allkeys-lru" in page
    assert "noeviction" in page


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["redis://:hidden@127.0.0.1:1/0", "", "nonsense"])
def test_a_lost_broker_is_named_and_its_address_is_not(address: str, settings: Any) -> None:
    settings.REDIS_URL = address
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "database": "ok", "broker": "unreachable"}


@pytest.mark.django_db
def test_strangers_get_words_and_people_with_a_role_details(
    make_provider: MakeProvider,  # noqa: F811 - a fixture
    simulator: Simulator,  # noqa: F811
) -> None:
    make_provider("sim")
    Provider.objects.create(name="gone", provider_type="openai", secret_ref="env:NOT_SET_HERE")
    NodeConfiguration.objects.create(node_name="lost", provider="nowhere", default_model="x")
    LLMConfig.objects.update(model_tagger="gpt-4o-mini", model_enricher="gpt-4o-mini")
    snapshot.expire()
    words = caller(ANONYMOUS).get(HEALTH)
    assert words.status_code == 200
    assert words.json() == {
        "status": "degraded", "switch": "on", "providers": "degraded", "nodes": "degraded",
    }  # fmt: skip
    assert caller("nobody").get(HEALTH).json() == words.json()
    details = caller("viewer").get(HEALTH).json()
    assert {each["name"]: each["key_readable"] for each in details["provider_details"]} == {
        "sim": True,
        "gone": False,
    }
    assert "lost" in {each["name"] for each in details["unresolved"]}
    assert simulator.requests == 0


@pytest.mark.django_db
def test_a_switched_off_system_is_unwell(
    make_provider: MakeProvider,  # noqa: F811 - a fixture
) -> None:
    provider = make_provider("sim")
    LLMConfig.objects.filter(provider=provider).delete()
    snapshot.expire()
    answer = caller(ANONYMOUS).get(HEALTH)
    assert answer.status_code == 503
    assert (answer.json()["status"], answer.json()["switch"]) == ("disabled", "off")
