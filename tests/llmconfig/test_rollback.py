"""Going back to an earlier state of the configuration."""

import json
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from llmconfig import secrets
from llmconfig.configuration.revisions import change
from llmconfig.configuration.rollback import HIDDEN, QUIET, _config_tables, preview, roll_back
from llmconfig.errors import ChangeRefused
from llmconfig.models import (
    ConfigVersion,
    Experiment,
    GlobalConfig,
    LLMConfig,
    ModelPrice,
    NodeConfiguration,
    Provider,
    ProviderModel,
    Revision,
    RevisionChange,
    UserConfig,
)
from llmconfig.roles import ensure_roles
from tests.api import caller

pytestmark = pytest.mark.django_db

KEY = secrets.Secret("sk-live-0123456789abcdef-wxyz")


def number():
    return ConfigVersion.objects.values_list("revision", flat=True).first() or 0


def numbered(made):
    assert made.number is not None
    return made.number


def whole_state():
    """Every row of the configuration but what isn't part of it."""
    state = {}
    with connection.cursor() as cursor:
        for table in _config_tables():
            cursor.execute(f"SELECT to_jsonb(t) FROM {table} t ORDER BY id::text")
            rows = [json.loads(row) if isinstance(row, str) else row for (row,) in cursor]
            state[table] = [
                {name: row[name] for name in row if name not in QUIET | HIDDEN} for row in rows
            ]
    return state


# Random histories

NAMES = ("alpha", "beta", "gamma")
numbers = st.integers(0, 2)
operations = st.tuples(
    st.sampled_from(
        ["provider", "model", "tier", "price", "node", "type", "choice", "settings", "trial"]
    ),
    st.sampled_from(["save", "save", "delete"]),
    numbers,
    numbers,
)


def apply(operation, user):
    """One change; what needs a row that isn't there does nothing."""
    kind, verb, which, value = operation
    name = NAMES[which]
    provider = Provider.objects.filter(name=name).first()
    node = NodeConfiguration.objects.filter(node_name=name).first()
    model = ProviderModel.objects.filter(model_id=name).first()
    with change(source="shell"):
        if verb == "delete":
            _delete(kind, provider, node, model, user, name)
        elif kind in {"provider", "model", "tier", "price"}:
            _save_catalogue(kind, provider, model, name, value)
        else:
            _save_assignment(kind, provider, node, user, which, value)


def _save_catalogue(kind, provider, model, name, value):
    if kind == "provider":
        Provider.objects.update_or_create(
            name=name, defaults={"provider_type": "local", "weight": value + 1}
        )
    elif kind == "model" and provider:
        ProviderModel.objects.get_or_create(provider=provider, model_id=NAMES[value])
    elif kind == "tier" and model:
        # The one active model of a tier hands it on.
        ProviderModel.objects.filter(tier=f"tier{value}").update(tier=None)
        ProviderModel.objects.filter(pk=model.pk).update(tier=f"tier{value}")
    elif kind == "price" and model:
        ModelPrice.objects.create(
            model=model, valid_from=timezone.now(), input_per_1m=Decimal("0.123456") * value
        )


def _save_assignment(kind, provider, node, user, which, value):
    name = NAMES[which]
    if kind == "node":
        NodeConfiguration.objects.update_or_create(
            node_name=name,
            defaults={"default_temperature": value / 3, "fallbacks": [f"tier:tier{value}"]},
        )
    elif kind == "type":
        GlobalConfig.objects.update_or_create(
            interaction_type=("tools", "planning", "tagger")[which],
            defaults={"max_tokens": value + 1},
        )
    elif kind == "choice" and node:
        UserConfig.objects.update_or_create(
            user=user, node=node, defaults={"temperature": value / 2}
        )
    elif kind == "settings" and provider:
        LLMConfig.objects.update_or_create(
            pk=1, defaults={"provider": provider, "enabled": bool(value)}
        )
    elif kind == "trial" and node:
        trial, _ = Experiment.objects.get_or_create(name=name, defaults={"node": node})
        trial.arms.update_or_create(name=NAMES[value], defaults={"weight": which + 1})


def _delete(kind, provider, node, model, user, name):
    if kind == "provider" and provider:
        LLMConfig.objects.filter(provider=provider).delete()
        provider.delete()
    elif kind == "model" and model:
        model.delete()
    elif kind == "node" and node:
        node.delete()
    elif kind == "trial":
        Experiment.objects.filter(name=name).delete()
    elif kind == "choice":
        UserConfig.objects.filter(user=user).delete()


@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(operations, min_size=2, max_size=25), back=st.integers(0, 24))
@example(
    history=[
        ("provider", "save", 0, 0),
        ("model", "save", 0, 0),
        ("model", "save", 0, 1),
        ("tier", "save", 0, 0),
        ("settings", "save", 0, 1),
        ("tier", "save", 1, 0),
        ("provider", "delete", 0, 0),
        ("provider", "save", 0, 2),
    ],
    back=4,
)
def test_any_state_comes_back_exactly_after_any_changes(django_user_model, history, back):
    point = transaction.savepoint()
    user = django_user_model.objects.create_user("ada")
    states = {}
    for operation in history:
        apply(operation, user)
        states[number()] = whole_state()
    states.pop(0, None)
    if states:
        to = sorted(states)[back % len(states)]
        latest = number()
        expected = preview(to)
        done = roll_back(to, source="shell")
        assert whole_state() == states[to]
        assert [(each.table_name, each.row_key) for each in done.changes] == [
            (each.table_name, each.row_key) for each in expected.changes
        ]
        assert number() == (latest + 1 if done.changes else latest)
        # And forward again: the rollback is a change like any other.
        roll_back(latest, source="shell")
        assert whole_state() == states[max(states)]
    transaction.savepoint_rollback(point)


# Keys


@pytest.fixture
def keyed():
    """Revision 1: a provider with a key."""
    with change(source="shell") as made:
        provider = Provider(name="openai", provider_type="openai")
        provider.set_key(KEY)
        provider.save()
    return made.number


def changed(**fields):
    provider = Provider.objects.get(name="openai")
    with change(source="shell"):
        for name, value in fields.items():
            setattr(provider, name, value)
        provider.save()
    return provider


def the_key():
    provider = Provider.objects.get(name="openai")
    return secrets.decrypt(provider.api_key, place=provider.key_place).reveal()


def test_a_key_stays_when_its_server_stays(keyed):
    changed(weight=7)
    done = roll_back(keyed, source="shell")
    assert Provider.objects.get().weight == 1
    assert the_key() == KEY.reveal()
    assert done.notes == ()


def test_a_deleted_provider_comes_back_disabled_and_without_a_key(keyed):
    with change(source="shell"):
        Provider.objects.all().delete()
    done = roll_back(keyed, source="shell")
    provider = Provider.objects.get()
    assert (provider.is_enabled, provider.api_key, provider.key_last4) == (False, "", "")
    assert "Enter the key again" in done.notes[0]
    assert provider.validation_error == done.notes[0]
    assert done.notes[0] in Revision.objects.get(pk=done.revision or 0).message


@pytest.mark.parametrize(
    "moved",
    [
        {"api_base_url": "https://elsewhere.example/v1"},
        {"api_base_url": "http://api.openai.com/v1"},
        {"api_base_url": "https://api.openai.com:8443/v1"},
        {"provider_type": "openrouter"},
    ],
)
def test_a_key_does_not_follow_a_rollback_to_another_server(keyed, moved):
    provider = Provider.objects.get()
    provider.set_key(secrets.Secret("sk-for-the-new-server-0123456789"))
    changed(api_key=provider.api_key, key_fingerprint=provider.key_fingerprint, **moved)
    done = roll_back(keyed, source="shell")
    provider = Provider.objects.get()
    assert (provider.api_base_url, provider.provider_type) == ("", "openai")
    assert (provider.is_enabled, provider.api_key, provider.key_fingerprint) == (False, "", "")
    assert "doesn't follow to another server" in done.notes[0]


def test_a_later_key_for_the_same_server_stays_and_is_told(keyed):
    provider = Provider.objects.get()
    later = secrets.Secret("sk-later-0123456789abcdef")
    provider.set_key(later)
    changed(api_key=provider.api_key, key_fingerprint=provider.key_fingerprint, weight=3)
    done = roll_back(keyed, source="shell")
    assert the_key() == later.reveal()
    assert done.notes == ("openai keeps its present key, not the one it had then.",)
    assert Provider.objects.get().is_enabled


def test_a_reference_instead_of_a_key_gives_the_way_back_to_a_key_that_is_gone(keyed):
    changed(api_key="", key_last4="", key_fingerprint="", secret_ref="env:OPENAI_API_KEY")
    roll_back(keyed, source="shell")
    provider = Provider.objects.get()
    assert (provider.secret_ref, provider.api_key, provider.is_enabled) == ("", "", False)


def test_no_key_is_in_a_preview(keyed):
    stored = Provider.objects.get().api_key
    changed(weight=7)
    told = repr(preview(keyed))
    assert stored not in told
    assert "'api_key'" not in told


# What is around it


def test_what_the_last_sync_wrote_is_left_alone():
    with change(source="shell") as made:
        node = NodeConfiguration.objects.create(node_name="router", default_temperature=0.3)
    node.synced_values = {"default_temperature": 0.9}
    node.default_temperature = 0.9
    with change(source="shell"):
        node.save()
    roll_back(numbered(made), source="shell")
    node.refresh_from_db()
    assert node.default_temperature == 0.3
    assert node.synced_values == {"default_temperature": 0.9}


def test_columns_that_came_and_went_since_are_no_obstacle():
    with change(source="shell") as made:
        node = NodeConfiguration.objects.create(node_name="router", description="old")
    with change(source="shell"):
        node.delete()
    # History as an earlier schema would have written it.
    for each in RevisionChange.objects.filter(before__isnull=False):
        assert each.before is not None
        del each.before["langsmith_tracing"], each.before["fallbacks"]
        each.before["gone_column"] = 7
        each.save()
    roll_back(numbered(made), source="shell")
    node = NodeConfiguration.objects.get()
    assert (node.description, node.langsmith_tracing, node.fallbacks) == ("old", False, [])


def test_a_choice_of_a_user_who_is_gone_stays_away_and_is_told(django_user_model):
    user = django_user_model.objects.create_user("ada")
    with change(source="shell") as made:
        UserConfig.objects.create(user=user, interaction_type="tools", temperature=0.1)
        GlobalConfig.objects.create(interaction_type="tools", temperature=0.2)
    with change(source="shell"):
        user.delete()
        GlobalConfig.objects.update(temperature=0.8)
    done = roll_back(numbered(made), source="shell")
    assert "stays away" in done.notes[0]
    assert not UserConfig.objects.exists()
    assert GlobalConfig.objects.get().temperature == 0.2


def test_a_rollback_is_refused_when_the_state_moved_after_its_preview():
    with change(source="shell") as made:
        GlobalConfig.objects.create(interaction_type="tools", temperature=0.2)
    with change(source="shell"):
        GlobalConfig.objects.update(temperature=0.8)
    seen = number()
    with change(source="shell"):
        GlobalConfig.objects.update(temperature=0.9)
    with pytest.raises(ChangeRefused, match="has changed since you looked"):
        roll_back(numbered(made), source="shell", seen=seen)
    assert GlobalConfig.objects.get().temperature == 0.9


def test_an_unknown_revision_is_refused():
    with pytest.raises(ChangeRefused, match="There is no revision 99"):
        roll_back(99, source="shell")


def test_the_command_shows_the_difference_and_then_writes_it(capsys):
    with change(source="shell") as made:
        GlobalConfig.objects.create(interaction_type="tools", temperature=0.2)
    with change(source="shell"):
        GlobalConfig.objects.update(temperature=0.8)
    before = number()
    call_command("llm_rollback", str(made.number), "--dry-run")
    told = capsys.readouterr().out
    assert "llm_global_config tools: changes\n  temperature: 0.8 -> 0.2\n" in told
    assert (number(), GlobalConfig.objects.get().temperature) == (before, 0.8)
    call_command("llm_rollback", str(made.number))
    assert f"as revision {before + 1}" in capsys.readouterr().out
    assert GlobalConfig.objects.get().temperature == 0.2
    call_command("llm_rollback", str(made.number))
    assert "Nothing to do" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no revision 99"):
        call_command("llm_rollback", "99")


# Surfaces


@pytest.fixture
def moved():
    """A revision, and a later one that differs."""
    ensure_roles()
    with change(source="shell") as made:
        GlobalConfig.objects.create(interaction_type="tools", temperature=0.2)
    with change(source="shell"):
        GlobalConfig.objects.update(temperature=0.8)
    return made.number


def test_an_administrator_rolls_back_from_the_revisions_page(moved, admin_client):
    page = admin_client.get(reverse("admin:llmconfig_revision_change", args=[moved]))
    address = reverse("admin:llm_roll_back", args=[moved])
    assert f'href="{address}"' in page.content.decode()
    confirmation = admin_client.get(address)
    assert [each.name for each in confirmation.context["row_diffs"][0].fields] == ["temperature"]
    seen = confirmation.context["seen_revision"]
    with change(source="shell"):
        GlobalConfig.objects.update(temperature=0.9)
    late = admin_client.post(address, {"_seen_revision": seen})
    assert "has changed since you looked" in late.content.decode()
    assert GlobalConfig.objects.get().temperature == 0.9
    done = admin_client.post(address, {"_seen_revision": late.context["seen_revision"]})
    assert done.status_code == 302
    assert GlobalConfig.objects.get().temperature == 0.2
    assert Revision.objects.first().user.username == "admin"


def test_only_administrators_roll_back(moved, client, django_user_model):
    person = django_user_model.objects.create_user("vera", is_staff=True)
    address = reverse("admin:llm_roll_back", args=[moved])
    for role in ("viewer", "operator"):
        person.groups.set([Group.objects.get(name=role)])
        client.force_login(person)
        page = client.get(reverse("admin:llmconfig_revision_change", args=[moved]))
        assert page.status_code == 200
        assert "Roll back" not in page.content.decode()
        assert client.get(address).status_code == 403
        assert client.post(address, {"_seen_revision": number()}).status_code == 403
    assert GlobalConfig.objects.get().temperature == 0.8


def test_the_api_shows_and_rolls_back(moved):
    address = f"/api/v1/llm/revisions/{moved}/rollback"
    for role in ("viewer", "operator"):
        assert caller(role).post(address, {}, format="json").status_code == 403
    administrator = caller("administrator")
    shown = administrator.post(address, {"dry_run": True}, format="json").json()
    assert (shown["changes"][0]["after"]["temperature"], shown["revision"]) == (0.2, None)
    assert GlobalConfig.objects.get().temperature == 0.8
    stale = administrator.post(address, {"seen": moved}, format="json")
    assert (stale.status_code, stale.json()["error"]["field"]) == (400, "seen")
    done = administrator.post(address, {"seen": number()}, format="json").json()
    assert done["revision"] == number()
    assert GlobalConfig.objects.get().temperature == 0.2
    assert administrator.post("/api/v1/llm/revisions/999/rollback").status_code == 404
