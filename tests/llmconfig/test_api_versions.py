"""Two people, one row, by API: the second one's write is refused and told what the first did."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from llmconfig.models import Budget, Experiment, LLMConfig, NodeConfiguration, Revision, UserConfig
from tests.api import caller
from tests.llmconfig.conftest import MakeProvider

pytestmark = pytest.mark.django_db
BASE = "/api/v1/llm"


@pytest.fixture
def ann() -> APIClient:
    return caller("administrator", username="ann")


@pytest.fixture
def rows(make_provider: MakeProvider, ann: APIClient) -> dict[str, tuple[str, dict[str, Any]]]:
    """Everything people edit by API: an address, and a change to make there."""
    provider = make_provider("sim")
    node = NodeConfiguration.objects.create(node_name="tag_rows")
    model = provider.models.get()
    made = {
        "user-configs": {"node": "tag_rows", "model": "sim/gpt-4o-mini"},
        "budgets": {"name": "all", "hard_limit_usd": "5"},
        "experiments": {"name": "e", "node": "tag_rows", "arms": [{"name": "a"}, {"name": "b"}]},
        "keys": {"name": "website", "names": ["tag_rows"]},
        "prices": {"model": str(model.id), "valid_from": "2026-01-01T00:00:00Z"},
    }
    ids = {}
    for name, body in made.items():
        answer = ann.post(f"{BASE}/{name}", body, format="json")
        assert answer.status_code == 201, answer.json()
        ids[name] = answer.json()["id"]
    ann.put(f"{BASE}/config/tools", {"temperature": 0.1}, format="json")
    ann.put(f"{BASE}/tiers/fast", {"model": str(model.id)}, format="json")
    return {
        "provider": (f"{BASE}/providers/{provider.id}", {"priority": 7}),
        "model": (f"{BASE}/models/{model.id}", {"max_output_tokens": 77}),
        "price": (f"{BASE}/prices/{ids['prices']}", {"input_per_1m": "2"}),
        "tier": (f"{BASE}/tiers/fast", {"model": str(model.id)}),
        "interaction type": (f"{BASE}/config/tools", {"temperature": 0.3}),
        "node": (f"{BASE}/nodes/{node.node_name}", {"default_temperature": 0.4}),
        "user config": (f"{BASE}/user-configs/{ids['user-configs']}", {"max_tokens": 9}),
        "experiment": (f"{BASE}/experiments/e", {"description": "Which is shorter?"}),
        "budget": (f"{BASE}/budgets/{ids['budgets']}", {"soft_limit_usd": "1"}),
        "gateway key": (f"{BASE}/keys/{ids['keys']}", {"is_enabled": False}),
        "settings": (f"{BASE}/settings", {"max_retries": 9}),
    }


def write(client: APIClient, address: str, body: dict[str, Any], **headers: str) -> Any:
    method = client.put if "/tiers/" in address else client.patch
    return method(address, body, format="json", headers=headers)


EDITED = (
    "provider", "model", "price", "interaction type", "node", "user config", "experiment",
    "budget", "gateway key", "settings",
)  # fmt: skip


@pytest.mark.parametrize("kind", EDITED)
def test_the_second_of_two_writers_is_refused_and_told(
    kind: str, rows: dict[str, tuple[str, dict[str, Any]]], ann: APIClient
) -> None:
    address, change = rows[kind]
    seen = ann.get(address).headers["ETag"]
    first = write(caller("administrator", username="grace"), address, change)
    assert first.status_code == 200, first.json()
    before = Revision.objects.count()
    refused = write(ann, address, change, **{"If-Match": seen})
    assert refused.status_code == 412
    error = refused.json()["error"]
    assert error["code"] == "changed_since"
    assert "grace changed this after you read it" in error["message"]
    assert next(iter(change)) in error["message"]
    assert Revision.objects.count() == before
    now = ann.get(address).headers["ETag"]
    assert now == first.headers["ETag"] != seen
    assert write(ann, address, change, **{"If-Match": now}).status_code == 200


REMOVED = tuple(each for each in EDITED if each not in {"interaction type", "settings"})


@pytest.mark.parametrize("kind", [*REMOVED, "tier"])
def test_a_removal_is_held_to_the_same(
    kind: str, rows: dict[str, tuple[str, dict[str, Any]]], ann: APIClient
) -> None:
    address, _ = rows[kind]
    if kind == "provider":  # one that is in use is not removed
        LLMConfig.objects.all().delete()
        UserConfig.objects.all().delete()
    refused = ann.delete(address, headers={"If-Match": '"0"'})
    assert refused.status_code == 412, refused.content
    seen = ann.get(address).headers["ETag"]
    assert ann.delete(address, headers={"If-Match": seen}).status_code == 204


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("*", 200),
        ('"999999"', 412),
        ('"x"', 412),
        ("", 412),
        ('"0", {etag}', 200),
        ("W/{etag}", 200),
    ],
)
def test_every_form_of_the_header_is_understood(
    header: str, expected: int, rows: dict[str, tuple[str, dict[str, Any]]], ann: APIClient
) -> None:
    address, change = rows["node"]
    given = header.format(etag=ann.get(address).headers["ETag"])
    assert write(ann, address, change, **{"If-Match": given}).status_code == expected


def test_a_change_by_raw_sql_counts_too(
    rows: dict[str, tuple[str, dict[str, Any]]], ann: APIClient
) -> None:
    address, change = rows["budget"]
    seen = ann.get(address).headers["ETag"]
    Budget.objects.update(hard_limit_usd=9)
    refused = write(ann, address, change, **{"If-Match": seen})
    assert refused.status_code == 412
    assert "Somebody (sql) changed this" in refused.json()["error"]["message"]


def test_spending_and_tests_of_the_connection_are_no_edits(
    rows: dict[str, tuple[str, dict[str, Any]]], ann: APIClient
) -> None:
    address, change = rows["provider"]
    seen = ann.get(address).headers["ETag"]
    assert ann.post(f"{address}/validate").json()["ok"] is True
    assert write(ann, address, change, **{"If-Match": seen}).status_code == 200


def test_an_arm_that_was_removed_is_an_edit_of_its_experiment(
    rows: dict[str, tuple[str, dict[str, Any]]], ann: APIClient
) -> None:
    address, change = rows["experiment"]
    seen = ann.get(address).headers["ETag"]
    Experiment.objects.get().arms.get(name="b").delete()
    assert ann.get(address).headers["ETag"] != seen
    assert write(ann, address, change, **{"If-Match": seen}).status_code == 412
    start = ann.post(f"{address}/start", headers={"If-Match": seen})
    assert start.status_code == 412


def test_a_tier_that_moved_meanwhile_is_told(
    rows: dict[str, tuple[str, dict[str, Any]]], ann: APIClient, make_provider: MakeProvider
) -> None:
    address, back = rows["tier"]
    seen = ann.get(address).headers["ETag"]
    other = make_provider("other").models.get()
    assert write(ann, address, {"model": str(other.id)}).json()["model_name"] == other.model_id
    assert write(ann, address, back, **{"If-Match": seen}).status_code == 412
