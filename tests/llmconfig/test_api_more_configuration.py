"""Models, prices, tiers, experiments, budgets and gateway keys by API, and that each one bites."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import resolve
from llmconfig.gateway.keys import hash_of
from llmconfig.models import (
    Budget,
    BudgetSpending,
    ExperimentArm,
    GatewayKey,
    LLMConfig,
    ProviderModel,
    Revision,
    RevisionChange,
)
from tests.api import caller
from tests.llmconfig.conftest import MakeProvider

pytestmark = pytest.mark.django_db
BASE = "/api/v1/llm"


@pytest.fixture
def admin() -> APIClient:
    return caller("administrator")


def send(client: APIClient, method: str, path: str, body: Any = None, *, expect: int) -> Any:
    answer = getattr(client, method)(f"{BASE}/{path}", body, format="json")
    assert answer.status_code == expect, answer.content
    return answer.json() if answer.content else None


def refusal(client: APIClient, method: str, path: str, body: Any) -> tuple[str, str]:
    error = send(client, method, path, body, expect=400)["error"]
    return error["field"], error["message"]


def test_a_model_is_added_by_hand_priced_and_removed(
    admin: APIClient, make_provider: MakeProvider
) -> None:
    make_provider("sim")
    body = {"provider": "sim", "model_id": "acme/own-7b", "context_window": 8192}
    made = send(admin, "post", "models", body, expect=201)
    assert (made["kind"], made["price"], made["is_active"]) == ("chat", None, True)
    send(admin, "post", "models", body, expect=409)
    price = {"model": made["id"], "valid_from": "2026-01-01T00:00:00Z", "input_per_1m": "0.25"}
    row = send(admin, "post", "prices", price, expect=201)
    assert (row["source"], row["provider"], row["model_id"]) == ("manual", "sim", "acme/own-7b")
    assert refusal(admin, "patch", f"prices/{row['id']}", {"input_per_1m": "-1"})[0] == (
        "input_per_1m"
    )
    shown = send(admin, "get", f"models/{made['id']}", expect=200)
    assert Decimal(shown["price"]["input_per_1m"]) == Decimal("0.25")
    assert refusal(admin, "patch", f"models/{made['id']}", {"model_id": "x"})[0] == "model_id"
    send(admin, "delete", f"models/{made['id']}", expect=204)
    assert not ProviderModel.objects.filter(model_id="acme/own-7b").exists()
    send(admin, "get", f"prices/{row['id']}", expect=404)


def test_a_price_from_the_list_is_not_edited_but_overruled(
    admin: APIClient, make_provider: MakeProvider
) -> None:
    model = make_provider("sim", price=None).models.get()
    row = model.prices.create(
        valid_from="2026-01-01T00:00:00Z", input_per_1m=1, source="genai-prices"
    )
    assert "wins" in refusal(admin, "patch", f"prices/{row.pk}", {"input_per_1m": "2"})[1]
    own = {"model": str(model.id), "valid_from": "2025-01-01T00:00:00Z", "input_per_1m": "3"}
    send(admin, "post", "prices", own, expect=201)
    price = send(admin, "get", f"models/{model.id}", expect=200)["price"]
    assert (Decimal(price["input_per_1m"]), price["source"]) == (Decimal(3), "manual")


@pytest.mark.usefixtures("known_configuration")
def test_a_list_of_models_costs_as_many_queries_as_one(
    admin: APIClient, make_provider: MakeProvider
) -> None:
    provider = make_provider("sim")

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            send(admin, "get", "models", expect=200)
        return len(seen)

    few = queries()
    for number in range(20):
        provider.models.create(model_id=f"m{number}")
    assert queries() == few


def test_a_tier_moves_to_another_model_in_one_revision(
    admin: APIClient, make_provider: MakeProvider
) -> None:
    one, other = make_provider("one").models.get(), make_provider("other").models.get()
    send(admin, "put", "tiers/quick", {"model": str(one.id)}, expect=200)
    assert resolve_provider("tier:quick") == "one"
    before = Revision.objects.count()
    moved = send(admin, "put", "tiers/quick", {"model": str(other.id)}, expect=200)
    assert moved["reference"] == "tier:quick"
    assert Revision.objects.count() == before + 1
    assert resolve_provider("tier:quick") == "other"
    ProviderModel.objects.filter(pk=one.pk).update(is_active=False)
    assert refusal(admin, "put", "tiers/quick", {"model": str(one.id)})[0] == "model"
    send(admin, "delete", "tiers/quick", expect=204)
    send(admin, "get", "tiers/quick", expect=404)


def resolve_provider(name: str) -> str:
    snapshot.expire()
    return resolve(name, snapshot=snapshot.current()).targets[0].provider.name


def test_an_experiment_is_made_started_changed_and_stopped(
    admin: APIClient, make_provider: MakeProvider, make_node: Any
) -> None:
    make_provider("sim")
    make_node("sim/gpt-4o-mini")
    body = {"name": "cooler", "node": "tag_rows", "arms": [{"name": "control"}]}
    made = send(admin, "post", "experiments", body, expect=201)
    assert (made["status"], made["arms"][0]["weight"]) == ("draft", 1)
    field, message = refusal(admin, "post", "experiments/cooler/start", None)
    assert (field, "at least two arms" in message) == ("arms", True)
    control = ExperimentArm.objects.get().pk
    arms = [{"name": "control"}, {"name": "cool", "temperature": 0.1, "weight": 3}]
    send(admin, "patch", "experiments/cooler", {"arms": arms}, expect=200)
    assert ExperimentArm.objects.get(name="control").pk == control  # its keys stay in it
    assert send(admin, "post", "experiments/cooler/start", expect=200)["status"] == "running"
    arms_seen = set()
    for number in range(40):
        told = send(admin, "get", f"explain/tag_rows?experiment_key={number}", expect=200)
        arms_seen.add(told["targets"][0]["temperature"])
    assert arms_seen == {None, 0.1}
    warmer = [arms[0], arms[1] | {"temperature": 0.9}]
    for changed in (arms[:1], warmer, [*arms, {"name": "third"}]):
        field, message = refusal(admin, "patch", "experiments/cooler", {"arms": changed})
        assert (field, "stop it first" in message) == ("arms", True)
    send(admin, "patch", "experiments/cooler", {"arms": arms}, expect=200)  # as they are
    assert send(admin, "get", "experiments?status=running", expect=200)["count"] == 1
    assert send(admin, "post", "experiments/cooler/stop", expect=200)["status"] == "stopped"
    refusal(admin, "post", "experiments/cooler/stop", None)
    assert refusal(admin, "patch", "experiments/cooler", {"status": "running"})[0] == "status"
    send(admin, "delete", "experiments/cooler", expect=204)
    send(admin, "post", "experiments/cooler/start", expect=404)
    told = send(admin, "get", "revisions?limit=1", expect=200)["results"][0]
    assert told["message"] == "Removed the experiment cooler."


def test_arms_have_names_of_their_own(admin: APIClient, make_node: Any) -> None:
    make_node("gpt-4o")
    body = {"name": "e", "node": "tag_rows", "arms": [{"name": "a"}, {"name": "a"}]}
    assert refusal(admin, "post", "experiments", body)[0] == "arms"


def test_a_budget_counts_what_is_there_and_shows_what_is_spent(
    admin: APIClient, make_provider: MakeProvider
) -> None:
    make_provider("sim")
    of_a_typo = {"name": "b", "scope": "provider", "scope_value": "smi", "hard_limit_usd": "1"}
    assert refusal(admin, "post", "budgets", of_a_typo)[0] == "scope_value"
    assert refusal(admin, "post", "budgets", {"name": "b"})[1] == "Give a soft or a hard limit."
    body = {**of_a_typo, "scope_value": "sim", "period": "day"}
    made = send(admin, "post", "budgets", body, expect=201)
    assert (Decimal(made["spent_usd"]), Decimal(made["held_usd"])) == (Decimal(0), Decimal(0))
    budget = Budget.objects.get()
    for day, spent in (("2020-01-01", "9"), (None, "0.5")):
        spending = BudgetSpending.objects.create(
            budget=budget, period_start=day or made["created_at"][:10], spent_usd=spent
        )
    for seconds, held in ((30, "0.25"), (-30, "8")):
        spending.holds.create(
            holder=uuid4(),
            held_usd=held,
            expires_at=made_later(seconds),
        )
    shown = send(admin, "get", f"budgets/{budget.pk}", expect=200)
    assert (Decimal(shown["spent_usd"]), Decimal(shown["held_usd"])) == (
        Decimal("0.5"),
        Decimal("0.25"),
    )
    assert (Decimal(shown["left_usd"]), shown["runs_out_at"]) == (Decimal("0.5"), None)
    raised = send(admin, "patch", f"budgets/{budget.pk}", {"hard_limit_usd": "2"}, expect=200)
    assert Decimal(raised["hard_limit_usd"]) == 2
    field, _ = refusal(admin, "patch", f"budgets/{budget.pk}", {"scope_value": "gone"})
    assert field == "scope_value"
    send(admin, "delete", f"budgets/{budget.pk}", expect=204)


def made_later(seconds: int) -> dt.datetime:
    return timezone.now() + dt.timedelta(seconds=seconds)


def test_a_key_is_given_once_and_never_again(admin: APIClient, make_node: Any) -> None:
    make_node("gpt-4o")
    field, _ = refusal(admin, "post", "keys", {"name": "k", "names": ["tag_rwos"]})
    assert field == "names"
    field, _ = refusal(
        admin, "post", "keys", {"name": "k", "names": ["tag_rows"], "allows_everything": True}
    )
    assert field == "names"
    made = send(admin, "post", "keys", {"name": "website", "names": ["tag_rows"]}, expect=201)
    key = made["key"]
    row = GatewayKey.objects.get()
    assert hash_of(key.encode()) == row.key_hash
    assert key.startswith(made["prefix"])
    later = [
        send(admin, "get", "keys", expect=200),
        send(admin, "get", f"keys/{row.id}", expect=200),
        send(admin, "patch", f"keys/{row.id}", {"is_enabled": False}, expect=200),
        list(RevisionChange.objects.values("before", "after")),
    ]
    assert key not in json.dumps(later, default=str)
    assert row.key_hash not in json.dumps(later, default=str)
    send(admin, "delete", f"keys/{row.id}", expect=204)


def test_a_backup_is_a_provider_with_a_model(admin: APIClient, make_provider: MakeProvider) -> None:
    make_provider("sim")
    LLMConfig.objects.get_or_create(pk=1)
    assert refusal(admin, "patch", "settings", {"backup_model": "m"})[0] == "backup_provider"
    assert refusal(admin, "patch", "settings", {"backup_provider": "sim"})[0] == "backup_model"
