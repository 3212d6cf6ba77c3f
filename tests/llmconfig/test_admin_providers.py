"""The buttons of a provider's and a model's page, against a simulated provider on loopback."""

import datetime as dt

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from llmconfig.configuration import snapshot
from llmconfig.diagnostics.validation import findings
from llmconfig.models import GlobalConfig, ModelPrice, Provider, ProviderModel, Revision
from llmconfig.roles import ensure_roles
from tests.llmconfig.conftest import CANARY

pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(role):
    ensure_roles()
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def press(client, verb, row):
    """Press a button on the row's page; gives the page that follows."""
    name = row._meta.model_name
    return client.post(reverse(f"admin:llmconfig_{name}_{verb}", args=[row.pk]), follow=True)


def said(page):
    return " ".join(str(message) for message in page.context["messages"])


@pytest.mark.parametrize("provider_type", ["openai", "anthropic"])
def test_a_connection_is_tested_without_a_call(make_provider, simulator, provider_type):
    provider = make_provider(provider_type=provider_type)
    page = press(signed_in("operator"), "test", provider)
    assert "sim: the connection works; it lists" in said(page)
    provider.refresh_from_db()
    assert provider.validated_at is not None
    assert simulator.stats()["paid"] == 0


def test_a_name_that_no_provider_may_have_is_told_without_djangos_slug():
    form = {"name": "Open AI", "provider_type": "openai"}
    page = signed_in("administrator").post(reverse("admin:llmconfig_provider_add"), form)
    (told,) = page.context["adminform"].form.errors["name"]
    assert told.startswith("Use lower-case letters, digits, - and _")


def test_a_refused_key_is_told_and_stored_without_the_key(make_provider, simulator):
    simulator.plan({"path": "/v1/models", "action": {"echo_key": True}})
    provider = make_provider()
    client = signed_in("operator")
    page = press(client, "test", provider)
    assert "answered 401" in said(page)
    assert CANARY not in page.content.decode()
    provider.refresh_from_db()
    assert provider.validated_at is None
    assert "401" in provider.validation_error


@pytest.mark.parametrize("provider_type", ["openai", "anthropic"])
def test_discovered_models_are_one_revision_of_whoever_pressed(make_provider, provider_type):
    provider = make_provider(provider_type=provider_type, model_id="our-own")
    page = press(signed_in("administrator"), "discover", provider)
    assert "Added: " in said(page)
    assert "no longer listed there: our-own" in said(page)
    revision = Revision.objects.latest("number")
    assert (revision.source, str(revision.user)) == ("admin", "administrator")
    again = press(Client(), "discover", provider)  # nobody is signed in: nothing happens
    assert Revision.objects.latest("number") == revision
    assert again.redirect_chain


def test_a_list_that_cannot_be_had_changes_nothing(make_provider, simulator):
    provider = make_provider(api_base_url="http://127.0.0.1:9/v1")
    page = press(signed_in("administrator"), "discover", provider)
    assert "127.0.0.1:9" in said(page)
    assert ProviderModel.objects.count() == 1


def test_several_providers_are_asked_from_the_list(make_provider):
    chosen = [make_provider("one"), make_provider("two", model_id="m")]
    answer = signed_in("administrator").post(
        reverse("admin:llmconfig_provider_changelist"),
        {"action": "test_selected", "_selected_action": [row.pk for row in chosen]},
        follow=True,
    )
    assert "one: the connection works" in said(answer)
    assert "two: the connection works" in said(answer)


def test_each_button_is_for_its_role_and_for_posts_only(make_provider):
    provider = make_provider()
    operator, viewer = signed_in("operator"), signed_in("viewer")
    for verb in ("test", "discover"):
        address = reverse(f"admin:llmconfig_provider_{verb}", args=[provider.pk])
        assert viewer.post(address).status_code == 403
        assert operator.get(address).status_code == 405
    assert operator.post(address).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("root"))
    assert strict.post(address).status_code == 403
    shown = viewer.get(reverse("admin:llmconfig_provider_change", args=[provider.pk]))
    assert "Test connection" not in shown.content.decode()


def test_a_model_about_to_retire_is_shown_and_warned_of(make_provider, simulator):
    soon = (timezone.now() + dt.timedelta(days=30)).date().isoformat()
    late = (timezone.now() + dt.timedelta(days=300)).date().isoformat()
    simulator.control(
        models=[{"id": "old-one", "retires_at": soon}, {"id": "new-one", "retires_at": late}]
    )
    provider = make_provider()
    administrator = signed_in("administrator")
    page = press(administrator, "discover", provider)
    assert "sim/old-one retires on" in said(page)
    assert "new-one retires" not in said(page)
    stored = ProviderModel.objects.get(model_id="new-one")
    assert stored.retires_at.date().isoformat() == late
    overview = administrator.get(reverse("admin:index")).content.decode()
    assert "Models about to retire" in overview
    GlobalConfig.objects.create(interaction_type="reasoning", model="sim/old-one")
    snapshot.expire()
    warned = {each.name: each.warnings for each in findings(snapshot.current())}
    assert "sim/old-one retires on" in " ".join(warned["reasoning"])


def test_a_postponed_retirement_is_followed(make_provider, simulator):
    provider = make_provider()
    administrator = signed_in("administrator")
    for day in ("2027-01-01", "2028-01-01"):
        simulator.control(models=[{"id": "gpt-4o-mini", "retires_at": day}])
        assert "Updated: gpt-4o-mini" in said(press(administrator, "discover", provider))
        stored = ProviderModel.objects.get(model_id="gpt-4o-mini")
        assert stored.retires_at == dt.datetime.fromisoformat(f"{day}T00:00:00Z")


def test_a_suggested_price_is_taken_over_as_one_revision(make_provider):
    make_provider(model_id="gpt-4o", price=None)
    model = ProviderModel.objects.get()
    administrator = signed_in("administrator")
    shown = administrator.get(reverse("admin:llmconfig_providermodel_change", args=[model.pk]))
    assert "calls are unpriced" in shown.content.decode()
    page = press(administrator, "take_over", model)
    assert "now uses the price from genai-prices" in said(page)
    assert "Use suggested price" not in page.content.decode()
    assert {*ModelPrice.objects.values_list("source", flat=True)} == {"genai-prices"}
    assert (
        Revision.objects.latest("number").message == "Took over the suggested price of sim/gpt-4o."
    )
    assert snapshot.current().models["sim", "gpt-4o"].prices


def test_a_price_that_a_person_entered_wins(make_provider):
    make_provider(model_id="gpt-4o", price=("7", "70"))
    model = ProviderModel.objects.get()
    page = press(signed_in("administrator"), "take_over", model)
    assert "the price entered by hand takes precedence" in said(page)
    assert "Entered by a person" in page.content.decode()
    assert snapshot.current().models["sim", "gpt-4o"].prices[0].input == 7


def test_a_model_that_nobody_prices_says_so(make_provider):
    make_provider(model_id="house-model", price=None)
    page = press(signed_in("administrator"), "take_over", ProviderModel.objects.get())
    assert "has no price" in said(page)
    assert not ModelPrice.objects.exists()
    assert Provider.objects.count() == 1


def test_prices_are_for_administrators(make_provider):
    make_provider(model_id="gpt-4o", price=None)
    model = ProviderModel.objects.get()
    address = reverse("admin:llmconfig_providermodel_take_over", args=[model.pk])
    assert signed_in("operator").post(address).status_code == 403
    assert signed_in("administrator").get(address).status_code == 405


@pytest.mark.parametrize("key", ["sk-two words-0123456789", "sk-schlüssel-0123456789"])
def test_a_key_that_no_request_can_carry_is_refused_where_it_is_entered(make_provider, key):
    provider = make_provider(provider_type="custom")
    before = provider.api_key
    administrator = signed_in("administrator")
    here = reverse("admin:llmconfig_provider_change", args=[provider.pk])
    form = {
        "_seen_revision": administrator.get(here).context["seen_revision"], "new_key": key,
        "provider_type": "custom", "api_base_url": provider.api_base_url, "priority": "100",
        "weight": "1", "timeout_seconds": "5", "hold_seconds": "0",
        **{f"models-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")},
    }  # fmt: skip
    errors = administrator.post(here, form).context["adminform"].form.errors
    assert "No key holds a space" in errors["new_key"][0]
    assert key not in str(errors)
    provider.refresh_from_db()
    assert provider.api_key == before


def test_a_failed_test_names_its_provider_once(make_provider):
    page = press(signed_in("operator"), "test", make_provider(api_key=""))
    assert said(page).count("sim") == 1


def test_a_provider_added_in_the_browser_has_a_key_that_works(make_provider, simulator):
    make_provider()
    administrator = signed_in("administrator")
    rows = {f"models-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    form = {
        "name": "acme", "provider_type": "custom", "api_base_url": f"{simulator.url}/v1",
        "new_key": "sk-0123456789abcdefghij", "is_enabled": "on", "priority": "100",
        "weight": "1", "timeout_seconds": "5", "hold_seconds": "0", **rows,
    }  # fmt: skip
    page = administrator.post(reverse("admin:llmconfig_provider_add"), form, follow=True)
    added = Provider.objects.get(name="acme")
    here = reverse("admin:llmconfig_provider_change", args=[added.pk])
    assert page.redirect_chain[-1][0] == here
    assert "acme: the connection works" in said(press(administrator, "test", added))
    form |= {"_seen_revision": page.context["seen_revision"], "new_key": "", "priority": "3"}
    assert administrator.post(here, form).status_code == 302
    added.refresh_from_db()
    assert added.priority == 3
    assert Revision.objects.latest("number").message == "Changed the provider acme."
    gone = administrator.post(
        reverse("admin:llmconfig_provider_delete", args=[added.pk]), {"post": "yes"}
    )
    assert gone.status_code == 302
    assert not Provider.objects.filter(name="acme").exists()
