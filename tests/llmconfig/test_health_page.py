"""Configuration health, and what is told before a provider or a model is deleted."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from llmconfig.configuration import snapshot
from llmconfig.configuration.uses import uses_of_model, uses_of_provider
from llmconfig.models import (
    Budget,
    Experiment,
    GlobalConfig,
    InteractionType,
    NodeConfiguration,
    ProviderModel,
    UserConfig,
)
from llmconfig.roles import ensure_roles

pytestmark = pytest.mark.django_db


@pytest.fixture
def named(make_provider):
    """A provider and its model, named in every way there is."""
    sim = make_provider("sim", model_id="gpt-4o-mini")
    make_provider("other", model_id="gpt-4o")
    ProviderModel.objects.filter(model_id="gpt-4o-mini").update(tier="cheap")
    node = NodeConfiguration.objects.create(
        node_name="by_provider",
        interaction_type="tools",
        provider="sim",
        default_model="gpt-4o-mini",
    )
    for name, column, value in (
        ("by_fallback", "fallbacks", ["sim/gpt-4o-mini"]),
        ("by_tier", "default_model", "tier:cheap"),
        ("by_id", "default_model", "gpt-4o-mini"),
        ("elsewhere", "default_model", "other/gpt-4o"),
    ):
        NodeConfiguration.objects.create(
            node_name=name, interaction_type="tools", **{column: value}
        )
    GlobalConfig.objects.create(interaction_type="tools", degrade_to="sim/gpt-4o-mini")
    Experiment.objects.create(name="smaller", node=node).arms.create(
        name="mini", model="sim/gpt-4o-mini"
    )
    user = User.objects.create_user("una")
    UserConfig.objects.create(user=user, interaction_type="tools", model="sim/gpt-4o-mini")
    Budget.objects.create(
        name="sims", scope="provider", scope_value="sim", hard_limit_usd=1, period="day"
    )
    return sim


@pytest.fixture
def ada(client):
    ensure_roles()
    client.force_login(User.objects.create_superuser("ada"))
    return client


def served():
    """Every kind of use has a listed model."""
    for interaction in InteractionType:
        GlobalConfig.objects.create(interaction_type=interaction, model="sim/gpt-4o-mini")
    snapshot.expire()


def words(uses):
    return {use.words for use in uses}


BOTH = {
    "the node by_provider", "the node by_fallback", "the interaction type tools",
    "the variant mini of the experiment smaller", "a user override",
}  # fmt: skip


def test_all_that_names_a_provider_is_known(named):
    expected = BOTH | {"the processing settings", "the budget sims"}
    assert words(uses_of_provider(named)) == expected


def test_all_that_names_a_model_is_known(named):
    model = ProviderModel.objects.get(model_id="gpt-4o-mini")
    assert words(uses_of_model(model)) == BOTH | {"the node by_tier", "the node by_id"}


@pytest.mark.parametrize("which", ["provider", "model"])
def test_it_is_told_before_the_deletion(named, ada, which):
    row = named if which == "provider" else named.models.get()
    table = "provider" if which == "provider" else "providermodel"
    page = ada.get(reverse(f"admin:llmconfig_{table}_delete", args=[row.pk]))
    told = " ".join(str(each) for each in page.context["messages"])
    assert "is used by" in told
    assert ">the node by_fallback</a>" in told
    chosen = {"action": "delete_selected", "_selected_action": [str(row.pk)]}
    page = ada.post(reverse(f"admin:llmconfig_{table}_changelist"), chosen)
    assert "the variant mini of the experiment smaller" in page.content.decode()
    assert type(row).objects.filter(pk=row.pk).exists()


def test_what_raw_sql_misspelt_is_found_with_the_nearest_name(
    make_provider, make_node, ada, capsys
):
    make_provider("sim", model_id="gpt-4o-mini")
    node = make_node("sim/gpt-4o-mini")
    served()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE llm_node_configuration SET default_model = 'sim/gpt-4o-mimi'")
    snapshot.expire()
    page = ada.get(reverse("admin:llm_health")).content.decode()
    assert "Did you mean sim/gpt-4o-mini" in page
    assert reverse("admin:llmconfig_nodeconfiguration_change", args=[node.pk]) in page
    with pytest.raises(CommandError, match="can't be served as configured") as caught:
        call_command("llm_validate")
    assert caught.value.returncode == 1
    assert "Did you mean sim/gpt-4o-mini" in capsys.readouterr().out
    NodeConfiguration.objects.update(allow_unlisted_models=True)
    snapshot.expire()
    assert "Did you mean" not in ada.get(reverse("admin:llm_health")).content.decode()


def test_a_budget_that_can_match_nothing_is_found_and_counted(make_provider, ada):
    make_provider("sim")
    Budget.objects.create(
        name="lost", scope="node", scope_value="gone", hard_limit_usd=1, period="day"
    )
    served()
    text = ada.get(reverse("admin:llm_health")).content.decode()
    assert "There is no node &#x27;gone&#x27;" in text
    assert "1 problem in the configuration" in ada.get(reverse("admin:index")).content.decode()


def test_a_sound_configuration_says_so(make_provider, ada):
    make_provider("sim")
    served()
    assert "No problems found." in ada.get(reverse("admin:llm_health")).content.decode()
    assert "in the configuration" not in ada.get(reverse("admin:index")).content.decode()


def test_nobody_without_a_role_sees_it(client):
    ensure_roles()
    client.force_login(User.objects.create_user("eve", is_staff=True))
    assert client.get(reverse("admin:llm_health")).status_code == 403
    User.objects.get(username="eve").groups.add(Group.objects.get(name="viewer"))
    assert client.get(reverse("admin:llm_health")).status_code == 200


def test_the_search_finds_pages_by_title_and_rows_by_name(make_provider, ada):
    make_provider("sim")

    def found(term):
        page = ada.get(reverse("admin:search"), {"s": term, "extended": 1})
        return "".join(page.content.decode().split())

    assert "Configurationhealth" in found("health")
    assert ">sim<" in found("sim")
