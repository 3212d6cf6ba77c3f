"""The admin as people use it: Django's client against real tables."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.authtoken.models import Token

from llmconfig import secrets
from llmconfig.configuration import snapshot
from llmconfig.configuration.revisions import change
from llmconfig.models import (
    GlobalConfig,
    LLMConfig,
    ModelPrice,
    NodeConfiguration,
    Provider,
    ProviderModel,
    Revision,
)
from llmconfig.roles import ensure_roles
from tests.api import caller
from tests.llmconfig.forms import address_of, fields_of

pytestmark = pytest.mark.django_db

CANARY = "sk-canary-9f8e7d6c5b4a3210-wxyz"
OWN_APPS = {"llmconfig", "metrics", "enrichment"}


def signed_in(username):
    client = Client()
    client.force_login(User.objects.get(username=username))
    return client


@pytest.fixture
def people():
    ensure_roles()
    User.objects.create_superuser("ada")
    User.objects.create_superuser("grace")
    for role in ("viewer", "operator", "administrator"):
        user = User.objects.create_user(role, is_staff=True)
        user.groups.add(Group.objects.get(name=role))


@pytest.fixture
def configured(people):
    with change(source="seed"):
        local = Provider.objects.create(name="local", provider_type="local")
        keyed = Provider(name="openai", provider_type="openai")
        keyed.set_key(secrets.Secret(CANARY))
        keyed.save()
        model = ProviderModel.objects.create(
            provider=keyed, model_id="gpt-4o", tier="cloud_premium"
        )
        ModelPrice.objects.create(model=model, valid_from=timezone.now(), input_per_1m="2.5")
        ProviderModel.objects.create(provider=local, model_id="phi3")
        LLMConfig.objects.create(enabled=False)
        GlobalConfig.objects.create(interaction_type="reasoning", model="openai/gpt-4o")
        NodeConfiguration.objects.create(node_name="router", default_temperature=0.3)


@pytest.fixture
def ada(configured):
    return signed_in("ada")


def provider_form(client, **changed):
    openai = Provider.objects.get(name="openai")
    page = client.get(address_of(openai))
    return client.post(address_of(openai), fields_of(page) | changed)


def errors_of(answer):
    return answer.context["adminform"].form.errors


def test_every_table_of_ours_has_a_page():
    reverse("admin:index")  # brings the apps' pages, if nobody has asked for one before
    missing = [
        model.__name__
        for model in apps.get_models()
        if model._meta.app_label in OWN_APPS and not admin.site.is_registered(model)
    ]
    assert missing == []


def test_every_list_and_add_page_answers_an_administrator(ada):
    client = ada
    for model, page in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        listed = client.get(reverse(f"{name}_changelist"), follow=True)
        assert listed.status_code == 200, name
        request = listed.wsgi_request
        if page.has_add_permission(request):
            # Without a set or a rubric, a run's or a judge's leads to where these are made.
            added = client.get(reverse(f"{name}_add"), follow=True)
            assert added.status_code == 200, name
        row = model._default_manager.first()
        if row is not None:
            assert client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200, name


def test_an_empty_installation_is_told_what_to_do_next(people):
    client = signed_in("ada")
    text = client.get(reverse("admin:index")).content.decode()
    assert "First steps" in text
    assert "0 of 6 done" in text
    assert "No calls in the last 7 days." in text
    assert reverse("admin:listings_import") in text


def test_the_dashboard_says_that_calls_are_off_and_where_to_turn_them_on(ada):
    text = ada.get(reverse("admin:index")).content.decode()
    assert "LLM calls are disabled." in text
    assert "Enable calls" in text


def test_a_stored_key_is_on_no_page_and_in_no_log(ada):
    stored = Provider.objects.get(name="openai")
    for name in ("llmconfig_provider_changelist", "llm_settings", "llmconfig_revision_changelist"):
        text = ada.get(reverse(f"admin:{name}"), {"tab": "providers"} if "s" in name else {})
        assert CANARY not in text.content.decode()
        assert stored.api_key not in text.content.decode()
    page = ada.get(address_of(stored)).content.decode()
    assert CANARY not in page
    assert stored.api_key not in page
    assert "••••wxyz" in page


def test_a_new_key_is_stored_encrypted_and_never_rendered_again(ada):
    fresh = "sk-fresh-0123456789abcdef-qrst"
    answer = provider_form(ada, new_key=fresh)
    assert answer.status_code == 302
    stored = Provider.objects.get(name="openai")
    assert secrets.decrypt(stored.api_key, place=stored.key_place).reveal() == fresh
    after = ada.get(answer.url).content.decode()
    assert fresh not in after
    logged = "".join(LogEntry.objects.values_list("change_message", flat=True))
    assert fresh not in logged
    assert "API key" in logged


def test_a_blank_key_keeps_the_stored_one(ada):
    before = Provider.objects.get(name="openai").api_key
    assert provider_form(ada, priority="7").status_code == 302
    stored = Provider.objects.get(name="openai")
    assert (stored.priority, stored.api_key) == (7, before)


def test_a_key_can_be_removed(ada):
    assert provider_form(ada, remove_key="on").status_code == 302
    stored = Provider.objects.get(name="openai")
    assert (stored.api_key, stored.key_last4) == ("", "")


@pytest.mark.parametrize(
    "changed",
    [
        {"api_base_url": "https://collector.example/v1"},
        {"api_base_url": "http://api.openai.com/v1"},
        {"api_base_url": "https://api.openai.com:8443/v1"},
        {"provider_type": "openrouter", "api_base_url": "https://api.openai.com/v1"},
    ],
)
def test_a_key_does_not_follow_to_another_server(ada, changed):
    answer = provider_form(ada, **changed)
    assert "enter the key again" in errors_of(answer)["new_key"][0]
    assert Provider.objects.get(name="openai").api_base_url == ""


def test_another_path_on_the_same_server_keeps_the_key(ada):
    assert provider_form(ada, api_base_url="https://API.openai.com:443/v2").status_code == 302


def test_a_new_server_is_accepted_with_the_key(ada):
    answer = provider_form(ada, api_base_url="https://proxy.example/v1", new_key=CANARY)
    assert answer.status_code == 302


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"provider_type": "custom", "new_key": CANARY}, "api_base_url"),
        ({"api_base_url": "https://user:pw@api.openai.com/"}, "api_base_url"),
        ({"secret_ref": CANARY, "remove_key": "on"}, "secret_ref"),
        ({"secret_ref": "env:DJANGO_SECRET_KEY", "remove_key": "on"}, "secret_ref"),
        ({"secret_ref": "env:OPENAI_API_KEY"}, "secret_ref"),
        ({"new_key": CANARY, "remove_key": "on"}, "new_key"),
    ],
)
def test_a_provider_that_makes_no_sense_is_refused_on_its_field(ada, changed, field):
    assert field in errors_of(provider_form(ada, **changed))


def test_a_save_is_one_revision_with_its_person(ada):
    before = Revision.objects.count()
    assert provider_form(ada, priority="9", weight="3").status_code == 302
    newest = Revision.objects.latest("number")
    assert Revision.objects.count() == before + 1
    assert (newest.source, str(newest.user)) == ("admin", "ada")
    assert newest.message == "Changed the provider openai."
    text = ada.get(address_of(newest)).content.decode()
    assert "priority" in text
    assert "weight" in text


def test_deleting_several_rows_is_one_revision(ada):
    for name in ("one", "two", "three"):
        with change(source="seed"):
            NodeConfiguration.objects.create(node_name=name)
    before = Revision.objects.count()
    ada.post(
        reverse("admin:llmconfig_nodeconfiguration_changelist"),
        {
            "action": "delete_selected",
            "_selected_action": list(
                NodeConfiguration.objects.exclude(node_name="router").values_list("pk", flat=True)
            ),
            "post": "yes",
        },
    )
    assert NodeConfiguration.objects.count() == 1
    assert Revision.objects.count() == before + 1
    assert Revision.objects.latest("number").changes.count() == 3


def test_the_second_of_two_administrators_is_told_and_loses_nothing(ada):
    node = NodeConfiguration.objects.get(node_name="router")
    seen_by_ada = fields_of(ada.get(address_of(node)))
    grace = signed_in("grace")
    hers = fields_of(grace.get(address_of(node))) | {"default_temperature": "0.9"}
    assert grace.post(address_of(node), hers).status_code == 302
    answer = ada.post(address_of(node), seen_by_ada | {"description": "What Ada wrote."})
    told = answer.context["adminform"].form.non_field_errors()[0]
    assert "grace changed this after you read it" in told
    assert "temperature 0.3 → 0.9" in told
    assert "default_temperature" not in told
    assert "What Ada wrote." in answer.content.decode()
    node.refresh_from_db()
    assert (node.default_temperature, node.description) == (0.9, "")


def test_a_change_by_raw_sql_makes_an_open_form_stale_too(ada):
    node = NodeConfiguration.objects.get(node_name="router")
    seen = fields_of(ada.get(address_of(node)))
    NodeConfiguration.objects.filter(pk=node.pk).update(default_model="local/phi3")
    answer = ada.post(address_of(node), seen)
    assert "Somebody (sql)" in answer.context["adminform"].form.non_field_errors()[0]


def test_a_form_that_says_nothing_of_its_state_is_refused(ada):
    node = NodeConfiguration.objects.get(node_name="router")
    seen = fields_of(ada.get(address_of(node)))
    del seen["_seen_revision"]
    assert ada.post(address_of(node), seen).status_code == 200


def test_a_node_page_tells_where_values_come_from_while_calls_are_off(ada):
    page = ada.get(address_of(NodeConfiguration.objects.get(node_name="router")))
    told = page.context["explanation"]
    assert told.targets[0].startswith("openai/gpt-4o")
    rows = {row.label: row.cells for row in told.rows}
    winning = {
        label: [cell.wins for cell in cells].index(True)
        for label, cells in rows.items()
        if any(cell.wins for cell in cells)
    }
    assert told.layers[winning["Model"]] == "interaction type"
    assert told.layers[winning["Temperature"]] == "node"
    assert "All calls are disabled" in page.content.decode()


def test_a_node_page_names_the_layers_in_the_readers_language(ada):
    router = NodeConfiguration.objects.get(node_name="router")
    for language, named in (("de", "Interaktionsart"), ("es", "tipo de interacción")):
        page = ada.get(address_of(router), HTTP_ACCEPT_LANGUAGE=language)
        told = page.context["explanation"]
        assert named in told.layers
        assert named in {cell.layer for row in told.rows for cell in row.cells}


def settings_form(page):
    data = {"_seen_revision": str(page.context["seen_revision"])}
    for line in page.context["lines"]:
        for bound in line.form:
            value = bound.value()
            data[bound.html_name] = "" if value is None else str(value)
    return data


def test_the_settings_page_saves_all_lines_as_one_revision(ada):
    page = ada.get(reverse("admin:llm_settings"))
    assert len(page.context["lines"]) == 10
    before = Revision.objects.count()
    filled = settings_form(page) | {"reasoning-temperature": "0.4", "tools-model": "local/phi3"}
    assert ada.post(reverse("admin:llm_settings"), filled).status_code == 302
    assert Revision.objects.count() == before + 1
    assert GlobalConfig.objects.get(interaction_type="tools").model == "local/phi3"
    text = ada.get(reverse("admin:llm_settings")).content.decode()
    assert "local/phi3" in text


def test_the_settings_page_refuses_a_stale_table(ada):
    filled = settings_form(ada.get(reverse("admin:llm_settings")))
    with change(source="yaml"):
        GlobalConfig.objects.filter(interaction_type="reasoning").update(temperature=1.5)
    answer = ada.post(reverse("admin:llm_settings"), filled | {"reasoning-temperature": "0.1"})
    assert "Your changes weren&#x27;t saved" in answer.content.decode()
    assert GlobalConfig.objects.get(interaction_type="reasoning").temperature == 1.5


def test_the_settings_page_names_the_wrong_cell(ada):
    filled = settings_form(ada.get(reverse("admin:llm_settings")))
    answer = ada.post(reverse("admin:llm_settings"), filled | {"tools-temperature": "3"})
    assert answer.status_code == 200
    assert "less than or equal to 2" in answer.content.decode()
    assert not GlobalConfig.objects.filter(interaction_type="tools").exists()


def test_a_setting_of_the_environment_is_shown_read_only(ada, settings):
    settings.LLM_ENVIRONMENT = {"LLM_BATCH_DEFAULT_SIZE": 17}
    page = ada.get(reverse("admin:llmconfig_llmconfig_changelist"), follow=True)
    assert "batch_size" not in page.context["adminform"].form.fields
    assert "set by LLM_BATCH_DEFAULT_SIZE" in page.content.decode()


def test_a_batch_size_above_the_maximum_is_refused_with_the_way_out(ada, settings):
    address = reverse("admin:llmconfig_llmconfig_changelist")
    page = ada.get(address, follow=True)
    filled = fields_of(page) | {"batch_size": "26"}
    where = page.redirect_chain[-1][0]
    errors = ada.post(where, filled).context["adminform"].form.errors
    assert errors["batch_size"] == [
        "Give 25 at most, or raise LLM_BATCH_MAX_SIZE in the environment first."
    ]
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_BATCH_MAX_SIZE": 30}
    assert ada.post(where, filled).status_code == 302
    assert LLMConfig.objects.get().batch_size == 26
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_BATCH_MAX_SIZE": 25}
    body = {"batch_size": 27}
    refused = caller("administrator").patch("/api/v1/llm/settings", body, format="json")
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "batch_size")


LISTS = (
    ("llmconfig_providermodel_changelist", ProviderModel),
    ("llmconfig_provider_changelist", Provider),
    ("llmconfig_revision_changelist", Revision),
)


@pytest.mark.usefixtures("known_configuration")
@pytest.mark.parametrize("name", [name for name, _ in LISTS])
def test_a_longer_list_costs_no_more_queries(ada, name, django_assert_max_num_queries):
    def queries():
        with django_assert_max_num_queries(30) as counted:
            assert ada.get(reverse(f"admin:{name}")).status_code == 200
        return len(counted)

    ada.get(reverse("admin:index"))  # permissions and content types are cached by now
    few = queries()
    for number in range(10):
        with change(source="seed", user=User.objects.get(username="ada")):
            provider = Provider.objects.create(name=f"p{number}", provider_type="custom")
            ProviderModel.objects.create(provider=provider, model_id=f"m{number}")
    assert queries() <= few


MATRIX = (
    # page, what a viewer, an operator and an administrator get
    ("llmconfig_provider_changelist", (200, 200, 200)),
    ("llmconfig_provider_add", (403, 403, 200)),
    ("llmconfig_nodeconfiguration_add", (403, 403, 200)),
    ("llm_settings", (200, 200, 200)),
    ("llmconfig_revision_changelist", (200, 200, 200)),
    ("listings_organization_add", (403, 200, 200)),
    ("enrichment_prompt_add", (403, 200, 200)),
    ("metrics_generationmetric_changelist", (200, 200, 200)),
    ("metrics_generationmetric_add", (403, 403, 403)),
    ("auth_user_changelist", (403, 403, 200)),
    ("authtoken_tokenproxy_changelist", (403, 403, 403)),
)


@pytest.mark.parametrize(("page", "expected"), MATRIX)
def test_each_role_gets_what_it_may(configured, page, expected):
    answers = tuple(
        signed_in(role).get(reverse(f"admin:{page}")).status_code
        for role in ("viewer", "operator", "administrator")
    )
    assert answers == expected


def test_a_viewer_can_read_a_provider_but_not_write_one(configured):
    viewer = signed_in("viewer")
    openai = Provider.objects.get(name="openai")
    text = viewer.get(address_of(openai)).content.decode()
    assert "new_key" not in text
    assert "••••wxyz" in text
    assert viewer.post(address_of(openai), {"_seen_revision": "1"}).status_code == 403
    assert viewer.post(reverse("admin:llm_settings"), {}).status_code == 403


def test_the_sidebar_holds_only_what_a_role_opens(configured):
    shown = re.findall(
        r'href="(/admin/[^"]*)"', signed_in("viewer").get("/admin/").content.decode()
    )
    assert reverse("admin:llm_settings") in shown
    assert reverse("admin:auth_user_changelist") not in shown


def test_nobody_without_a_role_sees_figures(people):
    User.objects.create_user("new", is_staff=True)
    assert "Your account has no role yet." in signed_in("new").get("/admin/").content.decode()


def test_an_api_token_is_shown_once_when_it_is_made(ada):
    viewer = User.objects.get(username="viewer")
    made = ada.post(reverse("admin:authtoken_tokenproxy_add"), {"user": viewer.pk}, follow=True)
    token = Token.objects.get(user=viewer).key
    assert token in made.content.decode()
    listed = ada.get(reverse("admin:authtoken_tokenproxy_changelist")).content.decode()
    assert token not in listed
    assert f"••••{token[-4:]}" in listed
    assert not LogEntry.objects.filter(object_repr__contains=token).exists()
    ada.post(
        reverse("admin:authtoken_tokenproxy_changelist"),
        {"action": "revoke", "_selected_action": [viewer.pk], "index": "0"},
    )
    assert not Token.objects.exists()


@pytest.mark.parametrize(
    ("field", "wrong", "says"),
    [
        ("node_name", "tagger", "choose another"),
        ("node_name", "gpt-4o", "choose another"),
        ("node_name", "openai", "choose another"),
        ("default_model", "tier:", "tier:name"),
        ("default_model", "gpt 4", "without spaces"),
        ("fallbacks", "openai/gpt-4o,local/", "tier:name"),
    ],
)
def test_a_node_that_makes_no_sense_is_refused_at_its_field(ada, field, wrong, says):
    address = reverse("admin:llmconfig_nodeconfiguration_add")
    form = fields_of(ada.get(address)) | {"node_name": "summary", field: wrong}
    told = errors_of(ada.post(address, form))
    assert list(told) == [field]
    assert says in told[field][0]
    right = {"node_name": "summary", "default_model": "openai/gpt-4o", "fallbacks": "local/phi3"}
    assert ada.post(address, form | right).status_code == 302


def test_a_node_keeps_its_name(ada):
    node = NodeConfiguration.objects.get(node_name="router")
    form = fields_of(ada.get(address_of(node))) | {"node_name": "renamed"}
    assert ada.post(address_of(node), form).status_code == 302
    node.refresh_from_db()
    assert node.node_name == "router"


def test_a_revision_shows_what_is_there_and_providers_by_name(ada):
    with change(source="shell"):
        openai = Provider.objects.get(name="openai")
        ProviderModel.objects.create(provider=openai, model_id="gpt-9", context_window=1000)
    page = ada.get(address_of(Revision.objects.latest("number")))
    (row,) = page.context["row_diffs"]
    told = {field.name: field.after for field in row.fields}
    assert (told["provider"], told["context_window"]) == ("openai", "1000")
    assert "provider_id" not in told
    assert all(told.values())


def test_a_rows_own_name_is_written_as_it_is(ada):
    page = ada.get(address_of(NodeConfiguration.objects.get(node_name="router")))
    last = re.findall(
        r'<a href="[^"]*"\s+class="leading-5[^>]*>\s*(.*?)\s*</a>', page.content.decode()
    )
    assert last == ["LLM configuration", "Nodes", "router"]


def test_an_empty_list_says_whether_there_are_none_or_none_match(ada):
    address = reverse("admin:llmconfig_gatewaykey_changelist")
    assert "No API keys yet." in ada.get(address).content.decode()
    assert "No API keys match." in ada.get(address, {"q": "x"}).content.decode()


def test_a_rows_history_lists_what_every_surface_did_to_it(ada):
    node = NodeConfiguration.objects.get(node_name="router")
    address = reverse("admin:llmconfig_nodeconfiguration_history", args=[node.pk])
    listed = ada.get(address, follow=True)
    assert [row.row_key for row in listed.context["cl"].result_list] == [str(node.pk)]


def test_a_nodes_page_has_numbers_and_its_buttons_as_its_readers_language_does(ada):
    node = NodeConfiguration.objects.get(node_name="router")
    NodeConfiguration.objects.update(default_max_tokens=2000)
    snapshot.expire()
    for language, temperature, tokens, button in (
        ("de", "0,3", "2.000", "Knoten löschen"),
        ("en", "0.3", "2,000", "Delete node"),
    ):
        page = ada.get(address_of(node), headers={"accept-language": language})
        found = [cell.text for row in page.context["explanation"].rows for cell in row.cells]
        assert {temperature, tokens} <= set(found)
        assert button in " ".join(page.content.decode().split())


def test_only_a_filtered_list_offers_to_show_all(ada):
    address = reverse("admin:llmconfig_revision_changelist")
    offers = "Show all"
    assert offers not in ada.get(address).content.decode()
    assert offers in ada.get(address, {"q": "router"}).content.decode()
