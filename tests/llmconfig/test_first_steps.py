"""The first steps on the overview: each does itself, refuses in words, and is the right role's."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from llmconfig.configuration import snapshot
from llmconfig.models import GlobalConfig, LLMConfig, NodeConfiguration, Provider, ProviderModel
from llmconfig.roles import ensure_roles

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = ("provider", "models", "nodes", "calls")


def signed_in(role: str) -> Client:
    ensure_roles()
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def administrator() -> Client:
    return signed_in("administrator")


def press(client: Client, step: str, **given: str) -> str:
    """What the overview says after it."""
    answer = client.post(reverse("admin:llm_first_step", args=[step]), given, follow=True)
    assert answer.status_code == 200
    return " ".join(str(each) for each in answer.context["messages"])


def test_the_settings_row_is_there_from_the_start(administrator):
    page = administrator.get(reverse("admin:llmconfig_llmconfig_changelist"), follow=True)
    assert page.status_code == 200
    assert 'name="enabled"' in page.content.decode()
    assert not LLMConfig.objects.get().enabled


def test_a_local_server_is_connected_and_its_model_serves_all(administrator, simulator, settings):
    settings.LLM_EGRESS_ALLOW = ["127.0.0.1"]
    told = press(
        administrator, "provider", provider="local", address=f"{simulator.url}/v1", key="k"
    )
    assert "is connected: it lists" in told
    local = Provider.objects.get(name="local")
    assert (local.is_enabled, local.validation_error) == (True, "")
    model = ProviderModel.objects.get(provider=local, model_id="gpt-4o-mini")
    assert "local/gpt-4o-mini answers now" in press(administrator, "models", model=str(model.pk))
    assert LLMConfig.objects.get().model_enricher == "gpt-4o-mini"
    served = set(GlobalConfig.objects.values_list("model", flat=True)) - {"text-embedding-3-small"}
    assert served <= {"local/gpt-4o-mini", "", "gpt-4o", "gpt-4o-mini"}
    assert "14 total" in press(administrator, "nodes")
    assert NodeConfiguration.objects.count() == 14
    assert press(administrator, "calls") == "Calls are enabled."
    assert LLMConfig.objects.get().enabled
    snapshot.expire()
    shown = administrator.get(reverse("admin:index")).content.decode()
    assert shown.count('class="nw-done"') == len(STEPS)


@pytest.mark.parametrize(
    ("step", "given", "words"),
    [
        ("provider", {"provider": "nobody"}, "Choose a provider."),
        ("provider", {"provider": "openai"}, "Enter a key of OpenAI."),
        ("provider", {"provider": "local", "address": "ftp://x"}, "Start with http://"),
        ("provider", {"provider": "local", "address": "http://127.0.0.1:9/v1"}, "doesn't answer"),
        ("models", {"model": "none"}, "Choose a model that an enabled provider lists."),
    ],
)
def test_what_a_step_can_not_do_it_says_and_does_not_call_done(administrator, step, given, words):
    assert words in press(administrator, step, **given)
    shown = administrator.get(reverse("admin:index")).content.decode()
    assert 'class="nw-done"' not in shown


def test_a_refused_step_keeps_what_was_typed_but_for_the_key(administrator):
    given = {"provider": "local", "address": "http://127.0.0.1:9/typo", "key": "sk-secret-1"}
    address = reverse("admin:llm_first_step", args=["provider"])
    shown = administrator.post(address, given, follow=True).content.decode()
    assert '<option value="local" selected>' in shown
    assert 'value="http://127.0.0.1:9/typo"' in shown
    assert "sk-secret-1" not in shown
    again = administrator.get(reverse("admin:index")).content.decode()
    assert 'value="http://127.0.0.1:9/typo"' not in again


def test_a_missing_nodes_file_is_named(administrator, settings):
    settings.LLM_NODES_FILE = "/nowhere/nodes.yaml"
    assert "There is no nodes file at /nowhere/nodes.yaml" in press(administrator, "nodes")


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_others_see_no_steps_and_may_do_none(role):
    client = signed_in(role)
    assert "First steps" not in client.get(reverse("admin:index")).content.decode()
    for step in STEPS:
        assert client.post(reverse("admin:llm_first_step", args=[step])).status_code == 403
    assert not Provider.objects.exists()


def test_steps_take_no_get_and_unknown_ones_are_no_page(administrator):
    assert administrator.get(reverse("admin:llm_first_step", args=["calls"])).status_code == 405
    assert administrator.post(reverse("admin:llm_first_step", args=["rows"])).status_code == 404


def test_the_root_leads_to_the_overview_and_errors_lead_back(administrator):
    assert administrator.get("/")["Location"] == reverse("admin:index")
    page = administrator.get("/admin/no/such/page/")
    assert page.status_code == 404
    assert f'href="{reverse("admin:index")}"' in page.content.decode()
    viewer = signed_in("viewer")
    page = viewer.get(reverse("admin:enrichment_batch_add"))
    assert (page.status_code, "You may not see this page" in page.content.decode()) == (403, True)
