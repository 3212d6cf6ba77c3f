"""The configuration's API: every write is a revision, and no key ever comes out."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from llmconfig.configuration import snapshot
from llmconfig.models import (
    GlobalConfig,
    LLMConfig,
    NodeConfiguration,
    Provider,
    ProviderModel,
    Revision,
    RevisionChange,
    UserConfig,
)
from llmconfig.secrets import decrypt
from tests.api import caller
from tests.llmconfig.conftest import CANARY, MakeProvider, Simulator

pytestmark = pytest.mark.django_db
BASE = "/api/v1/llm"
# What a change does on commit, and to a configuration that was written before.
COMMITTED = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin() -> APIClient:
    return caller("administrator")


@pytest.fixture
def viewer() -> APIClient:
    return caller("viewer")


def add_provider(client: APIClient, **fields: Any) -> Any:
    body = {"name": "acme", "provider_type": "openai", "api_key": CANARY, **fields}
    return client.post(f"{BASE}/providers", body, format="json")


def stored_key(name: str = "acme") -> str:
    row = Provider.objects.get(name=name)
    return decrypt(row.api_key, place=row.key_place).reveal()


def test_a_provider_is_added_shown_changed_and_removed(admin: APIClient) -> None:
    made = add_provider(admin, priority=3)
    assert made.status_code == 201, made.json()
    address = f"{BASE}/providers/{made.json()['id']}"
    shown = admin.get(address).json()
    assert (shown["name"], shown["has_key"], shown["key_last4"]) == ("acme", True, CANARY[-4:])
    assert "api_key" not in shown
    assert stored_key() == CANARY
    assert admin.patch(address, {"priority": 9}, format="json").json()["priority"] == 9
    assert stored_key() == CANARY
    assert admin.delete(address).status_code == 204
    assert admin.get(address).status_code == 404


def test_every_write_is_a_revision_that_names_its_user(admin: APIClient) -> None:
    made = add_provider(admin).json()
    admin.patch(f"{BASE}/providers/{made['id']}", {"weight": 5}, format="json")
    admin.delete(f"{BASE}/providers/{made['id']}")
    told = admin.get(f"{BASE}/revisions?limit=3").json()["results"]
    assert [each["source"] for each in told] == ["api"] * 3
    assert {each["user"] for each in told} == {"the-administrator"}
    assert told[1]["message"] == "Changed the provider acme."
    detail = admin.get(f"{BASE}/revisions/{told[1]['number']}").json()
    change = detail["changes"][0]
    assert (change["before"]["weight"], change["after"]["weight"]) == (1, 5)


def test_a_refused_write_leaves_no_revision_and_no_row(admin: APIClient) -> None:
    before = Revision.objects.count()
    answer = add_provider(admin, secret_ref="env:OPENAI_API_KEY")
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "secret_ref"
    assert Revision.objects.count() == before
    assert not Provider.objects.filter(name="acme").exists()


def test_a_key_stays_with_its_host(admin: APIClient) -> None:
    made = add_provider(admin, api_base_url="https://one.example/v1").json()
    address = f"{BASE}/providers/{made['id']}"
    moved = {"api_base_url": "https://two.example/v1"}
    refused = admin.patch(address, moved, format="json")
    assert refused.status_code == 400
    assert refused.json()["error"]["field"] == "api_key"
    again = admin.patch(address, {**moved, "api_key": "sk-another-0123456789"}, format="json")
    assert again.status_code == 200, again.json()
    assert stored_key() == "sk-another-0123456789"
    same_host = {"api_base_url": "https://two.example:443/v2"}
    assert admin.patch(address, same_host, format="json").status_code == 200
    removed = admin.patch(address, {"api_key": ""}, format="json").json()
    assert (removed["has_key"], removed["key_last4"]) == (False, "")


@pytest.mark.parametrize(
    "moved",
    [
        {"api_base_url": "http://one.example/v1"},
        {"api_base_url": "https://two.example/v1"},
        {"api_base_url": "https://one.example:8443/v1"},
        {"provider_type": "anthropic"},
    ],
)
def test_another_scheme_host_port_or_type_asks_for_the_key_again(
    admin: APIClient, moved: dict[str, str]
) -> None:
    made = add_provider(admin, api_base_url="https://one.example/v1").json()
    refused = admin.patch(f"{BASE}/providers/{made['id']}", moved, format="json")
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "api_key")
    assert Provider.objects.get(pk=made["id"]).api_base_url == "https://one.example/v1"


def test_a_provider_keeps_its_name(admin: APIClient) -> None:
    made = add_provider(admin).json()
    answer = admin.patch(f"{BASE}/providers/{made['id']}", {"name": "other"}, format="json")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "name")


def test_a_taken_name_is_a_conflict(admin: APIClient) -> None:
    add_provider(admin)
    answer = add_provider(admin)
    assert answer.status_code == 409
    assert answer.json()["error"]["field"] == "name"


def test_a_provider_in_use_is_not_deleted(admin: APIClient, make_provider: MakeProvider) -> None:
    provider = make_provider("sim")
    NodeConfiguration.objects.create(node_name="tag_rows", fallbacks=["sim/gpt-4o-mini"])
    answer = admin.delete(f"{BASE}/providers/{provider.id}")
    assert answer.status_code == 409
    message = answer.json()["error"]["message"]
    assert "processing settings" in message
    assert "node tag_rows" in message
    assert Provider.objects.filter(name="sim").exists()


def test_no_answer_holds_any_part_of_a_key(
    admin: APIClient, make_provider: MakeProvider, simulator: Simulator
) -> None:
    provider = make_provider("sim", key=CANARY)
    address = f"{BASE}/providers/{provider.id}"
    simulator.fail(echo_key=True)
    answers = [
        add_provider(admin),
        add_provider(admin),  # a conflict
        add_provider(admin, name="x" * 80),
        add_provider(admin, name="bad", api_key=f"{CANARY} and more"),
        add_provider(admin, name="bad", api_base_url="https://e.example", nonsense=1),
        admin.get(f"{BASE}/providers"),
        admin.get(address),
        admin.options(address),
        admin.patch(address, {"api_base_url": "https://elsewhere.example"}, format="json"),
        admin.patch(address, {"api_key": CANARY}, format="json"),
        admin.post(f"{address}/validate"),
        admin.post(f"{address}/models"),
        admin.get(f"{BASE}/revisions"),
        *(
            admin.get(f"{BASE}/revisions/{number}")
            for number in Revision.objects.values_list("number", flat=True)
        ),
        admin.get(f"{BASE}/config/validate"),
        admin.get("/api/health/llm"),
        admin.get("/docs/api/schema/"),
    ]
    said = "\n".join(str(answer.headers) + answer.content.decode() for answer in answers)
    pieces = [CANARY[start : start + 8] for start in range(len(CANARY) - 7)]
    assert [piece for piece in pieces if piece in said] == []
    for row in Provider.objects.all():
        assert row.api_key[:20] not in said


def test_a_test_of_the_connection_bills_nothing(
    make_provider: MakeProvider, simulator: Simulator
) -> None:
    provider = make_provider("sim")
    answer = caller("operator").post(f"{BASE}/providers/{provider.id}/validate")
    assert answer.status_code == 200, answer.json()
    assert answer.json()["ok"] is True
    assert answer.json()["models_seen"] > 1
    provider.refresh_from_db()
    assert provider.validated_at is not None
    assert simulator.stats()["paid"] == 0


def test_a_changed_address_is_untested(admin: APIClient, make_provider: MakeProvider) -> None:
    provider = make_provider("sim")
    admin.post(f"{BASE}/providers/{provider.id}/validate")
    body = {"api_base_url": provider.api_base_url + "/other"}
    changed = admin.patch(f"{BASE}/providers/{provider.id}", body, format="json").json()
    assert changed["validated_at"] is None


@COMMITTED
def test_models_are_read_from_the_provider_in_one_revision(
    admin: APIClient, make_provider: MakeProvider
) -> None:
    provider = make_provider("sim")
    answer = admin.post(f"{BASE}/providers/{provider.id}/models")
    assert answer.status_code == 200, answer.json()
    found = answer.json()
    assert found["added"]
    assert "gpt-4o-mini" not in found["added"]
    listed = admin.get(f"{BASE}/providers/{provider.id}/models?limit=200").json()["results"]
    assert {each["model_id"] for each in listed} >= {*found["added"], "gpt-4o-mini"}
    newest = admin.get(f"{BASE}/revisions?limit=1").json()["results"][0]
    assert newest["message"] == "Read the models of sim."
    assert newest["user"] == "the-administrator"


def test_a_provider_that_is_down_is_told_as_503(
    admin: APIClient, make_provider: MakeProvider
) -> None:
    provider = make_provider("sim", api_base_url="http://127.0.0.1:1/v1")
    answer = admin.post(f"{BASE}/providers/{provider.id}/models")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"
    checked = admin.post(f"{BASE}/providers/{provider.id}/validate").json()
    assert checked["ok"] is False
    assert "127.0.0.1:1" in checked["detail"]


def test_a_put_of_an_interaction_type_blanks_what_it_leaves_out(admin: APIClient) -> None:
    address = f"{BASE}/config/reasoning"
    whole = {"model": "openai/gpt-4o", "temperature": 0.7, "fallbacks": ["local/llama3"]}
    assert admin.put(address, whole, format="json").status_code == 200
    patched = admin.patch(address, {"max_tokens": 500}, format="json").json()
    assert (patched["model"], patched["max_tokens"]) == ("openai/gpt-4o", 500)
    replaced = admin.put(address, {"temperature": 0.1}, format="json").json()
    assert (replaced["model"], replaced["max_tokens"], replaced["fallbacks"]) == ("", None, [])
    assert admin.get(address).json() == replaced
    assert GlobalConfig.objects.filter(interaction_type="reasoning").count() == 1


def test_an_unknown_interaction_type_is_told_the_known_ones(viewer: APIClient) -> None:
    answer = viewer.get(f"{BASE}/config/thinking")
    assert answer.status_code == 404
    assert "reasoning" in answer.json()["error"]["message"]


def test_a_node_is_added_shown_changed_and_removed(admin: APIClient) -> None:
    body = {"node_name": "intent", "default_model": "gpt-4o", "default_temperature": 0.2}
    assert admin.post(f"{BASE}/nodes", body, format="json").status_code == 201
    address = f"{BASE}/nodes/intent"
    assert admin.get(address).json()["default_temperature"] == 0.2
    assert admin.patch(address, {"provider": "openai"}, format="json").status_code == 200
    assert admin.get(f"{BASE}/nodes?provider=openai").json()["count"] == 1
    assert admin.delete(address).status_code == 204
    assert admin.get(address).status_code == 404


@pytest.mark.parametrize("name", ["sim", "gpt-4o-mini", "reasoning"])
def test_a_node_hides_nothing_that_has_its_name(
    name: str, admin: APIClient, make_provider: MakeProvider
) -> None:
    make_provider("sim")
    answer = admin.post(f"{BASE}/nodes", {"node_name": name}, format="json")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "node_name")


@pytest.mark.parametrize("wrong", ["tier:", "/gpt-4o", "openai/", "gpt 4o"])
def test_a_cut_off_reference_is_refused(admin: APIClient, wrong: str) -> None:
    for sent, field in (({"model": wrong}, "model"), ({"fallbacks": ["a", wrong]}, "fallbacks")):
        refused = admin.put(f"{BASE}/config/tools", sent, format="json")
        assert refused.status_code == 400
        assert refused.json()["error"]["field"].startswith(field)


def test_users_set_their_own_choice_and_nobody_elses(viewer: APIClient, admin: APIClient) -> None:
    other = caller("viewer", username="other")
    made = viewer.post(
        f"{BASE}/user-configs", {"interaction_type": "tools", "model": "gpt-4o"}, format="json"
    )
    assert made.status_code == 201, made.json()
    assert made.json()["user"] == "the-viewer"
    address = f"{BASE}/user-configs/{made.json()['id']}"
    assert other.get(address).status_code == 200
    assert other.patch(address, {"model": "x"}, format="json").status_code == 403
    assert other.delete(address).status_code == 403
    theirs = {"user": "the-viewer", "interaction_type": "planning", "model": "x"}
    assert other.post(f"{BASE}/user-configs", theirs, format="json").status_code == 403
    assert other.patch(address, {"user": "other"}, format="json").status_code == 403
    assert viewer.patch(address, {"user": "other"}, format="json").status_code == 403
    assert admin.post(f"{BASE}/user-configs", theirs, format="json").status_code == 201
    assert viewer.patch(address, {"model": "gpt-4o-mini"}, format="json").status_code == 200
    assert UserConfig.objects.get(pk=made.json()["id"]).model == "gpt-4o-mini"


def test_a_choice_is_for_a_type_or_a_node_and_made_once(viewer: APIClient) -> None:
    NodeConfiguration.objects.create(node_name="intent")
    url = f"{BASE}/user-configs"
    both = {"interaction_type": "tools", "node": "intent", "model": "x"}
    assert viewer.post(url, both, format="json").status_code == 400
    assert viewer.post(url, {"model": "x"}, format="json").status_code == 400
    assert viewer.post(url, {"node": "intent", "model": "x"}, format="json").status_code == 201
    assert viewer.post(url, {"node": "intent", "model": "y"}, format="json").status_code == 409


def test_a_choice_that_overrides_nothing_is_refused_with_a_way_out(viewer: APIClient) -> None:
    url = f"{BASE}/user-configs"
    mine = {"interaction_type": "tools", "model": ""}
    for body in (mine, {"interaction_type": "tools"}, {**mine, "allow_unlisted_models": True}):
        refused = viewer.post(url, body, format="json")
        assert refused.status_code == 400, refused.json()
        assert refused.json()["error"]["field"] == "model"
        assert "delete the override" in refused.json()["error"]["message"]
    made = viewer.post(url, {**mine, "max_tokens": 9}, format="json").json()
    address = f"{url}/{made['id']}"
    assert viewer.patch(address, {"max_tokens": None}, format="json").status_code == 400
    swapped = {"max_tokens": None, "temperature": 0}
    assert viewer.patch(address, swapped, format="json").status_code == 200


def test_explain_tells_every_layer(viewer: APIClient, make_provider: MakeProvider) -> None:
    make_provider("sim")
    NodeConfiguration.objects.create(
        node_name="intent", default_model="sim/gpt-4o-mini", default_temperature=0.3
    )
    mine = {"node": "intent", "temperature": 0.9}
    viewer.post(f"{BASE}/user-configs", {**mine, "model": ""}, format="json")
    plain = viewer.get(f"{BASE}/explain/intent").json()
    fields = {each["field"]: each for each in plain["fields_in_force"]}
    assert (fields["temperature"]["value"], fields["temperature"]["layer"]) == (0.3, "node")
    assert plain["targets"][0]["model"] == "gpt-4o-mini"
    for_me = viewer.get(f"{BASE}/explain/intent?user=the-viewer").json()
    assert for_me["targets"][0]["temperature"] == 0.9
    assert viewer.get(f"{BASE}/explain/sim/gpt-4o-mini").status_code == 200
    assert viewer.get(f"{BASE}/explain/nothing").status_code == 404
    assert viewer.get(f"{BASE}/explain/intent?user=nobody").status_code == 400


def test_the_summary_is_for_people(viewer: APIClient, make_provider: MakeProvider) -> None:
    make_provider("sim")
    GlobalConfig.objects.create(
        interaction_type="reasoning", model="sim/gpt-4o-mini", temperature=0.7
    )
    snapshot.expire()
    lines = viewer.get(f"{BASE}/config/summary").json()["summary"]
    assert lines[0] == "LLM calls are on."
    assert "reasoning: sim/gpt-4o-mini, temperature 0.7" in lines


def test_validation_finds_unreadable_keys_and_calls_nobody(
    viewer: APIClient, make_provider: MakeProvider, simulator: Simulator
) -> None:
    make_provider("sim")
    make_provider("broken", model_id="other", secret_ref="env:NOT_SET_ANYWHERE")
    NodeConfiguration.objects.create(node_name="good", default_model="sim/gpt-4o-mini")
    NodeConfiguration.objects.create(node_name="bad", default_model="broken/other")
    snapshot.expire()
    before = simulator.requests
    told = viewer.get(f"{BASE}/config/validate").json()
    by_name = {each["name"]: each for each in told["results"]}
    assert told["valid"] is False
    assert (by_name["good"]["valid"], by_name["good"]["target"]) == (True, "sim/gpt-4o-mini")
    assert by_name["bad"]["valid"] is False
    assert "NOT_SET_ANYWHERE" in by_name["bad"]["problems"][0]
    assert simulator.requests == before


@COMMITTED
def test_settings_tell_what_the_environment_overrides(
    admin: APIClient, make_provider: MakeProvider, settings: Any
) -> None:
    make_provider("sim")
    settings.LLM_ENVIRONMENT = {"LLM_BATCH_DEFAULT_SIZE": 7}
    shown = admin.get(f"{BASE}/settings").json()
    assert shown["overridden_by_environment"] == {"batch_size": "LLM_BATCH_DEFAULT_SIZE"}
    in_force = {each["variable"]: each for each in shown["process_settings"]}
    assert in_force["LLM_BATCH_DEFAULT_SIZE"]["value"] == 7
    assert in_force["LLM_BATCH_DEFAULT_SIZE"]["origin"] == "environment"
    refused = admin.patch(f"{BASE}/settings", {"batch_size": 9}, format="json")
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "batch_size")
    assert admin.patch(f"{BASE}/settings", {"enabled": False}, format="json").status_code == 200
    assert LLMConfig.objects.get().enabled is False
    assert snapshot.current().processing["enabled"] is False


def test_settings_that_were_never_seeded_say_so(viewer: APIClient) -> None:
    answer = viewer.get(f"{BASE}/settings")
    assert answer.status_code == 404
    assert "seed_llm_config" in answer.json()["error"]["message"]


@COMMITTED
def test_clearing_the_cache_shows_a_raw_change_at_once(make_provider: MakeProvider) -> None:
    make_provider("sim")
    assert snapshot.current().processing["enabled"] is True
    LLMConfig.objects.update(enabled=False)  # as another process would
    assert snapshot.current().processing["enabled"] is True
    assert caller("operator").post(f"{BASE}/cache/clear").json()["success"] is True
    assert snapshot.current().processing["enabled"] is False


def test_tiers_say_how_to_refer_to_them(viewer: APIClient, make_provider: MakeProvider) -> None:
    make_provider("sim")
    ProviderModel.objects.update(tier="cloud_fast", context_window=128_000)
    (tier,) = viewer.get(f"{BASE}/tiers").json()["results"]
    assert (tier["reference"], tier["model_name"]) == ("tier:cloud_fast", "gpt-4o-mini")
    assert (tier["max_tokens"], tier["cost_per_1m_output_usd"]) == (128_000, "10.000000")


@pytest.mark.parametrize(
    "address", ["providers", "nodes", "user-configs", "revisions", "tiers", "config"]
)
def test_a_list_costs_the_same_queries_however_long_it_is(
    address: str, admin: APIClient, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        admin.post(f"{BASE}/nodes", {"node_name": f"n{number}"}, format="json")
        add_provider(admin, name=f"p{number}")
        caller("viewer", username=f"u{number}").post(
            f"{BASE}/user-configs", {"node": f"n{number}", "model": "x"}, format="json"
        )
    # Token with its user, the user's groups, the count, the page, and what a page prefetches.
    with snapshot.pinned(snapshot.current()), django_assert_max_num_queries(5):
        answer = admin.get(f"{BASE}/{address}")
    assert answer.status_code == 200


def test_pages_follow_limit_offset_and_ordering(admin: APIClient) -> None:
    for name in ("b", "a", "c"):
        admin.post(f"{BASE}/nodes", {"node_name": name}, format="json")
    page = admin.get(f"{BASE}/nodes?limit=2&offset=1&ordering=-node_name").json()
    assert page["count"] == 3
    assert [each["node_name"] for each in page["results"]] == ["b", "a"]


def test_answers_are_json_without_ciphertext(admin: APIClient) -> None:
    add_provider(admin)
    body = json.dumps(admin.get(f"{BASE}/providers").json())
    assert "v1:" not in body


def test_a_nodes_cascade_is_checked_and_is_in_its_history(
    admin: APIClient, make_provider: MakeProvider
) -> None:
    make_provider("sim")
    NodeConfiguration.objects.create(node_name="n", default_model="sim/gpt-4o")
    unlisted = admin.patch(f"{BASE}/nodes/n", {"cascade_model": "sim/nobody"}, format="json")
    assert unlisted.status_code == 400, unlisted.content
    assert "sim doesn't list 'nobody'" in str(unlisted.json())
    for field, value in (("cascade_target", 1), ("cascade_audits", 0), ("cascade_score", "luck")):
        refused = admin.patch(f"{BASE}/nodes/n", {field: value}, format="json")
        assert refused.status_code == 400
        assert field in str(refused.json())
    given = {"cascade_model": "gpt-4o-mini", "cascade_score": "gates", "cascade_target": 0.9}
    done = admin.patch(f"{BASE}/nodes/n", given, format="json")
    assert done.status_code == 200, done.content
    assert given.items() <= done.json().items()
    change = RevisionChange.objects.filter(table_name="llm_node_configuration").latest("id")
    assert change.after["cascade_target"] == 0.9
    facts = snapshot.load().nodes["n"].cascade
    assert facts is not None
    assert (facts.model, facts.score, facts.target, facts.miss) == (
        "gpt-4o-mini", "gates", 0.9, 0.05,
    )  # fmt: skip
