"""Every field over every layer, in one table; and what model references come to."""

import os
import random
import signal
import time
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import explain, resolve
from llmconfig.configuration.revisions import change
from llmconfig.errors import CallsDisabled, NoTarget, UnknownNode
from llmconfig.models import (
    Experiment,
    ExperimentStatus,
    GlobalConfig,
    LLMConfig,
    NodeConfiguration,
    Provider,
    ProviderModel,
    UserConfig,
)
from tests.forks import forked
from tests.llmconfig.forms import address_of, fields_of

pytestmark = pytest.mark.django_db

# Layers as the table calls them, most specific first, and what `explain` calls them.
LAYERS = {
    "caller": "caller",
    "user_node": "user override for the node",
    "user_type": "user override for the interaction type",
    "experiment": "experiment trial, arm both",
    "azure": "node",
    "node": "node",
    "interaction": "interaction type",
    "settings": "processing settings",
    "default_model": "LLM_DEFAULT_MODEL",
    "environment": "environment",
}
# The one table: for each field its layers, most specific first, with the value that each one gets.
TABLE: dict[str, list[tuple[str, Any]]] = {
    "model": [
        ("caller", "main/by-caller"),
        ("user_node", "main/by-user-node"),
        ("user_type", "main/by-user-type"),
        ("experiment", "main/by-arm"),
        ("azure", "by-azure"),
        ("node", "main/by-node"),
        ("interaction", "main/by-type"),
        ("settings", "by-settings"),
        ("default_model", "main/by-default"),
        ("environment", "gpt-4o-mini"),
    ],
    "provider": [
        ("caller", "p-caller"),
        ("experiment", "p-arm"),
        ("node", "p-node"),
        ("settings", "main"),
        ("environment", "openai"),
    ],
    "temperature": [
        ("caller", 0.0),
        ("user_node", 0.1),
        ("user_type", 0.2),
        ("experiment", 0.3),
        ("azure", 0.4),
        ("node", 0.5),
        ("interaction", 0.6),
    ],
    "max_tokens": [
        ("caller", 11),
        ("user_node", 12),
        ("user_type", 13),
        ("experiment", 14),
        ("azure", 15),
        ("node", 16),
        ("interaction", 17),
    ],
    "fallbacks": [
        ("caller", ["main/f-caller"]),
        ("node", ["main/f-node"]),
        ("interaction", ["main/f-type"]),
        ("settings", ["backup/f-backup"]),
    ],
}
OBSERVED = {
    "model": lambda found: found.targets[0].model_id,
    "provider": lambda found: found.targets[0].provider.name,
    "temperature": lambda found: found.targets[0].temperature,
    "max_tokens": lambda found: found.targets[0].max_tokens,
    "fallbacks": lambda found: [f"{x.provider.name}/{x.model_id}" for x in found.targets[1:2]],
}


class World:
    """A configuration that says nothing until a layer is given a value."""

    def __init__(self, user, settings, monkeypatch):
        self.user, self.settings, self.monkeypatch = user, settings, monkeypatch
        self.given = {}
        self.main = Provider.objects.create(name="main", provider_type="azure_openai")
        for name in ("backup", "p-caller", "p-arm", "p-node"):
            Provider.objects.create(name=name, provider_type="local")
        self.row = LLMConfig.objects.create(provider=self.main, enabled=True, model_tagger="")
        self.node = NodeConfiguration.objects.create(node_name="work", interaction_type="tagger")
        self.type = GlobalConfig.objects.create(interaction_type="tagger")

    def put(self, layer, field, value):
        getattr(self, f"_{layer}")(field, value)

    def _caller(self, field, value):
        self.given[field] = value

    def _user_node(self, field, value):
        UserConfig.objects.update_or_create(user=self.user, node=self.node, defaults={field: value})

    def _user_type(self, field, value):
        UserConfig.objects.update_or_create(
            user=self.user, node=None, interaction_type="tagger", defaults={field: value}
        )

    def _experiment(self, field, value):
        trial, _ = Experiment.objects.get_or_create(
            name="trial", node=self.node, status=ExperimentStatus.RUNNING
        )
        trial.arms.update_or_create(name="both", defaults={field: value})

    def _azure(self, field, value):
        self._set(self.node, f"azure_{field}", value)

    def _node(self, field, value):
        bare = field in {"provider", "fallbacks"}
        self._set(self.node, field if bare else f"default_{field}", value)

    def _interaction(self, field, value):
        self._set(self.type, field, value)

    def _settings(self, field, value):
        if field == "fallbacks":
            self._set(self.row, "backup_provider_id", "backup")
            self._set(self.row, "backup_model", "f-backup")
        elif field == "provider":
            self._set(self.row, "model_tagger", "any-model")
        else:
            self._set(self.row, "model_tagger", value)

    def _default_model(self, field, value):
        self.settings.LLM_ENVIRONMENT = {"LLM_DEFAULT_MODEL": value}

    def _environment(self, field, value):
        self.monkeypatch.setenv("OPENAI_API_KEY", "sk-in-the-environment")

    def _set(self, row, name, value):
        setattr(row, name, value)
        row.save()

    def explained(self):
        with change(source="shell"):
            pass  # a test is one transaction: what it writes next is another revision
        snapshot.expire()
        return explain(
            "work",
            snapshot=snapshot.current(),
            user_id=self.user.pk,
            given=self.given,
            experiment_key="row-1",
        )


@pytest.fixture
def world(django_user_model, settings, monkeypatch):
    settings.LLM_ENVIRONMENT = {}
    return World(django_user_model.objects.create_user("ada"), settings, monkeypatch)


CASES = [
    pytest.param(field, position, id=f"{field}-{layer}")
    for field, layers in TABLE.items()
    for position, (layer, _) in enumerate(layers)
]


@pytest.mark.parametrize(("field", "position"), CASES)
def test_each_layer_goes_before_every_less_specific_one(world, field, position):
    layer, value = TABLE[field][position]
    for lower, lower_value in TABLE[field][position:]:
        world.put(lower, field, lower_value)
    if field in {"temperature", "max_tokens", "fallbacks"}:
        world.put("settings", "model", "some-model")
    if field == "provider" and layer != "environment":
        world.put("interaction", "model", "any-model")
    found = world.explained()
    expected = value.removeprefix("main/") if field == "model" else value
    assert OBSERVED[field](found) == expected
    told = {each.layer: each.value for each in found.layers[field]}
    if layer != "azure":
        shown = tuple(value) if field == "fallbacks" else value
        assert told[LAYERS[layer]] == shown
        if layer != "environment":
            assert found.winner(field).layer == LAYERS[layer]


def test_the_table_has_every_field_and_every_layer(world):
    world.put("experiment", "temperature", 0.3)
    found = world.explained()
    assert set(TABLE) == set(found.layers)
    named = [each.layer for each in found.layers["model"]]
    assert named == list(dict.fromkeys(LAYERS.values()))
    assert {layer for rows in TABLE.values() for layer, _ in rows} == set(LAYERS)


@pytest.mark.parametrize("field", ["model", "temperature", "max_tokens"])
def test_azure_values_hold_on_azure_targets_only(world, field):
    value = dict(TABLE[field])["azure"]
    world.put("azure", field, value)
    world.put("settings", "model", "some-model")
    assert OBSERVED[field](world.explained()) == value
    Provider.objects.filter(name="main").update(provider_type="openai")
    assert OBSERVED[field](world.explained()) != value


def test_azure_fallbacks_become_one_target_each(world):
    world.put("azure", "model", "deployment")
    world.put("node", "model", "main/a")
    world.put("node", "fallbacks", ["main/b", "backup/c"])
    found = world.explained()
    assert [x.model_id for x in found.targets] == ["deployment", "c"]


def test_a_provider_binds_models_of_its_own_and_less_specific_layers_only(world):
    world.put("interaction", "model", "main/by-type")
    world.put("node", "provider", "p-node")
    assert [x.provider.name for x in world.explained().targets] == ["p-node"]
    assert world.explained().targets[0].model_id == "by-type"
    world.put("user_type", "model", "main/by-user")
    assert [x.provider.name for x in world.explained().targets] == ["main"]


def test_a_bound_provider_is_never_left_for_a_tiers_own(world):
    ProviderModel.objects.create(
        provider=Provider.objects.get(name="backup"), model_id="phi3", tier="local"
    )
    world.put("interaction", "model", "tier:local")
    assert world.explained().targets[0].provider.name == "backup"
    world.put("caller", "provider", "p-caller")
    target = world.explained().targets[0]
    assert (target.provider.name, target.model_id) == ("p-caller", "phi3")


# Model references


@pytest.fixture
def catalogue(world):
    """Two vendors, a router whose ids look like references, a disabled provider."""
    kinds = {"alpha": "openai", "beta": "custom", "router": "openrouter", "off": "custom"}
    made = {
        name: Provider.objects.create(
            name=name, provider_type=kind, priority=10, is_enabled=name != "off"
        )
        for name, kind in kinds.items()
    }
    for provider, model, tier in (
        ("alpha", "qwen-32b", "cloud_fast"),
        ("beta", "qwen-32b", None),
        ("off", "qwen-32b", None),
        ("off", "only-off", "cloud_off"),
        ("router", "alpha/qwen-32b", None),
        ("router", "openrouter/auto", None),
    ):
        ProviderModel.objects.create(provider=made[provider], model_id=model, tier=tier)
    snapshot.expire()
    return made


@pytest.mark.parametrize(
    ("reference", "provider", "model"),
    [
        ("tier:cloud_fast", "alpha", "qwen-32b"),
        ("alpha/qwen-32b", "alpha", "qwen-32b"),
        ("beta/qwen-32b", "beta", "qwen-32b"),
        ("router/alpha/qwen-32b", "router", "alpha/qwen-32b"),
        ("router/openrouter/auto", "router", "openrouter/auto"),
        ("openrouter/auto", "router", "openrouter/auto"),
        ("beta/not-listed", "beta", "not-listed"),
        ("not-listed", "main", "not-listed"),
        ("nobody/not-listed", "main", "nobody/not-listed"),
    ],
)
def test_a_reference_is_read_in_its_stated_order(world, catalogue, reference, provider, model):
    world.put("node", "model", reference)
    target = world.explained().targets[0]
    assert (target.provider.name, target.model_id) == (provider, model)


def test_a_bare_id_goes_by_priority_and_leaves_disabled_providers_out(world, catalogue):
    Provider.objects.filter(name="beta").update(priority=1)
    world.put("node", "model", "qwen-32b")
    found = world.explained()
    assert [x.provider.name for x in found.targets] == ["beta", "alpha"]


def test_equal_priorities_share_calls_by_weight(world, catalogue):
    Provider.objects.filter(name="alpha").update(weight=3)
    world.put("node", "model", "qwen-32b")
    state = snapshot.current()
    random.seed(20260101)
    firsts = Counter(resolve("work", snapshot=state).targets[0].provider.name for _ in range(4000))
    assert firsts["alpha"] / 4000 == pytest.approx(0.75, abs=0.025)


def test_a_model_that_only_a_disabled_provider_lists_is_told_so(world, catalogue):
    world.put("node", "model", "only-off")
    found = world.explained()
    assert [x.provider.name for x in found.targets] == ["main"]
    assert "Disabled, but listing it: off." in found.warnings[0]


def test_what_is_odd_about_a_resolution_is_logged_once(world, catalogue, caplog):
    world.put("node", "model", "only-off")
    world.explained()
    for temperature in (0.1, 0.2, 0.3):
        resolve("work", snapshot=snapshot.current(), given={"temperature": temperature})
    assert caplog.text.count("work: 'only-off' is not in main's list.") == 1


def test_a_disabled_provider_is_no_target_and_a_warning_says_so(world, catalogue):
    for reference in ("off/qwen-32b", "tier:cloud_off"):
        world.put("node", "model", reference)
        found = world.explained()
        assert found.targets == ()
        assert "the provider off is disabled" in found.warnings[0]
        with pytest.raises(NoTarget, match="the provider off is disabled"):
            resolve("work", snapshot=snapshot.current())


def test_an_unknown_name_is_refused_with_what_is_near(world, catalogue):
    with pytest.raises(UnknownNode, match="Did you mean work"):
        resolve("wrok", snapshot=snapshot.current())


def test_switched_off_nothing_resolves(world):
    LLMConfig.objects.update(enabled=False)
    snapshot.expire()
    with pytest.raises(CallsDisabled):
        resolve("work", snapshot=snapshot.current())


def test_what_a_model_does_not_take_is_dropped_and_named(world):
    ProviderModel.objects.create(
        provider=world.main, model_id="o-strict", supports_temperature=False, max_output_tokens=100
    )
    world.put("node", "model", "main/o-strict")
    world.put("node", "temperature", 0.5)
    world.put("node", "max_tokens", 500)
    target = world.explained().targets[0]
    assert (target.temperature, target.max_tokens) == (None, 100)
    assert target.dropped == ("temperature", "max_tokens above 100")


@pytest.mark.parametrize(
    ("window", "longest", "asked"),
    [(64, None, 64), (64, 500, 64), (9000, 40, 40), (None, None, 90)],
)
def test_no_answer_is_asked_that_is_longer_than_the_window(world, window, longest, asked):
    ProviderModel.objects.create(
        provider=world.main, model_id="small", context_window=window, max_output_tokens=longest
    )
    world.put("node", "model", "main/small")
    world.put("node", "max_tokens", 90)
    target = world.explained().targets[0]
    assert target.max_tokens == asked
    assert target.dropped == ((f"max_tokens above {asked}",) if asked < 90 else ())


def test_callers_with_ever_new_values_do_not_fill_the_memory(world, monkeypatch):
    world.put("node", "model", "main/any")
    snapshot.expire()
    state = snapshot.current()
    for number in range(10_050):
        resolve("work", snapshot=state, given={"max_tokens": number + 1})
    assert len(state.memo) <= 10_000


# Other processes

# Says when the last question was asked that had the old answer: a slow machine asks seldom.
WATCH = """
import signal
import time
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import resolve
say("watching")
asked = 0
while True:
    last, asked = asked, time.time()
    found = resolve("work", snapshot=snapshot.current())
    if found.targets[0].temperature == 1.5:
        say(last)
        break
    time.sleep(0.01)
"""


@pytest.mark.django_db(transaction=True)
def test_a_change_in_the_admin_reaches_two_other_processes_within_two_seconds(world, admin_client):
    world.put("node", "model", "main/any")
    watchers = forked(WATCH, 2)
    try:
        assert [watchers.stdout.readline() for _ in range(2)] == ["watching\n"] * 2
        page = admin_client.get(address_of(world.node))
        form = fields_of(page) | {"default_temperature": "1.5"}
        assert admin_client.post(address_of(world.node), form).status_code == 302
        committed = time.time()
        still_old = [float(watchers.stdout.readline()) for _ in range(2)]
        assert max(still_old) < committed + 2
    finally:
        os.killpg(watchers.pid, signal.SIGKILL)
        watchers.communicate()


def test_the_table_is_in_the_order_of_the_layers():
    order = list(LAYERS)
    for layers in TABLE.values():
        assert all(order.index(a) < order.index(b) for (a, _), (b, _) in pairwise(layers))


def test_the_default_model_of_the_seeds_counts_for_chats_while_somebody_serves_it(world):
    router = Provider.objects.create(
        name="openrouter", provider_type="openrouter", is_enabled=False
    )
    ProviderModel.objects.create(provider=router, model_id="openrouter/auto")
    assert not world.explained().targets
    Provider.objects.filter(name="openrouter").update(is_enabled=True)
    found = world.explained()
    assert [x.provider.name for x in found.targets] == ["openrouter"]
    assert found.winner("model").layer == "LLM_DEFAULT_MODEL"
    world.type.interaction_type = world.node.interaction_type = "embeddings"
    world.type.save()
    world.node.save()
    assert not world.explained().targets
