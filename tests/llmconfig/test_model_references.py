"""Which provider a reference asks for which model, and that models which nobody lists are refused.

Everything is entered by the API, the admin or the nodes file.
"""

import pytest
from django.core.management import call_command
from django.urls import reverse

from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import explain, resolve
from llmconfig.models import (
    Experiment,
    ExperimentArm,
    GlobalConfig,
    LLMConfig,
    NodeConfiguration,
    Provider,
    ProviderModel,
    UserConfig,
)
from tests.api import caller

pytestmark = pytest.mark.django_db
BASE = "/api/v1/llm"
MODELS = {"sim": ("gpt-4o-mini", "gpt-4o"), "sim2": ("llama3.3", "gpt-4o-mini")}


@pytest.fixture
def providers(make_provider):
    """Two with a catalogue, one disabled, one that was never discovered, and OpenRouter."""
    for name, models in MODELS.items():
        made = make_provider(name, "custom", model_id=models[0])
        ProviderModel.objects.create(provider=made, model_id=models[1])
    make_provider("off", "openai", model_id="gpt-5-pro", is_enabled=False)
    Provider.objects.create(name="fresh", provider_type="local")
    make_provider("openrouter", "openrouter", model_id="openrouter/auto")
    make_provider("a-router", "openrouter", model_id="anthropic/claude-opus-4")
    snapshot.expire()


def asked(name, **given):
    """Provider and model of the first target."""
    target = resolve(name, snapshot=snapshot.current(), given=given).targets[0]
    return target.provider.name, target.model_id


@pytest.mark.parametrize(
    ("reference", "provider", "model_id"),
    [
        ("openrouter/meta-llama/llama-3-70b", "openrouter", "meta-llama/llama-3-70b"),
        ("openrouter/auto", "openrouter", "openrouter/auto"),
        ("openrouter/openrouter/auto", "openrouter", "openrouter/auto"),
        ("a-router/openrouter/auto", "a-router", "openrouter/auto"),
        ("a-router/auto", "a-router", "openrouter/auto"),
        ("a-router/anthropic/claude-opus-4", "a-router", "anthropic/claude-opus-4"),
        ("a-router/sim/gpt-4o", "a-router", "sim/gpt-4o"),
        ("sim2/gpt-4o-mini", "sim2", "gpt-4o-mini"),
        ("fresh/meta/llama:70b", "fresh", "meta/llama:70b"),
    ],
)
def test_a_reference_asks_its_provider_for_the_model_behind_its_name(
    providers, reference, provider, model_id
):
    assert asked("reasoning", model=reference) == (provider, model_id)


@pytest.mark.parametrize(
    ("settings_provider", "model", "provider", "model_id"),
    [
        ("sim", "gpt-4o", "sim", "gpt-4o"),
        ("sim", "sim/gpt-4o", "sim", "gpt-4o"),
        ("sim", "sim2/gpt-4o-mini", "sim2", "gpt-4o-mini"),
        ("sim", "fresh/phi3", "fresh", "phi3"),
        ("openrouter", "meta-llama/llama-3-70b", "openrouter", "meta-llama/llama-3-70b"),
        ("openrouter", "off/gpt-5-pro", "openrouter", "off/gpt-5-pro"),
        ("openrouter", "sim/gpt-4o", "sim", "gpt-4o"),
        ("openrouter", "auto", "openrouter", "openrouter/auto"),
    ],
)
def test_a_model_in_the_processing_settings_goes_to_the_provider_that_it_names(
    providers, settings_provider, model, provider, model_id
):
    body = {"provider": settings_provider, "model_enricher": model, "allow_unlisted_models": True}
    answer = caller("administrator").patch(f"{BASE}/settings", body, format="json")
    assert answer.status_code == 200, answer.content
    assert asked("enricher") == (provider, model_id)
    body = {"backup_provider": settings_provider, "backup_model": model}
    body |= {"provider": "sim", "model_enricher": "gpt-4o-mini"}
    assert caller("administrator").patch(f"{BASE}/settings", body, format="json").status_code == 200
    last = resolve("enricher", snapshot=snapshot.current()).targets[-1]
    assert (last.provider.name, last.model_id) == (provider, model_id)


def test_a_note_names_whose_model_it_is(providers):
    found = explain("reasoning", snapshot=snapshot.current(), given={"model": "sim/llama3.3"})
    assert found.warnings == (
        "'llama3.3' is not in sim's list. Calls go to sim as 'llama3.3'. It is listed by sim2.",
    )
    found = explain("reasoning", snapshot=snapshot.current(), given={"model": "sim/gpt-5-pro"})
    assert found.warnings[0].endswith("Disabled, but listing it: off.")


# What is saved, and a part of the refusal; blank where it is accepted.
REFERENCES = {
    "gpt-4o": "",
    "sim/gpt-4o": "",
    "openrouter/auto": "",
    "tier:nobody": "",
    "fresh/anything:7b": "",  # never discovered
    "sim/gpt-4": "sim doesn't list 'gpt-4'. Did you mean sim/gpt-4o",
    "gpt-4o-mimi": "No enabled provider lists 'gpt-4o-mimi'. Did you mean",
    "gpt-5-pro": "No enabled provider lists 'gpt-5-pro': off lists it, but is disabled.",
    "acme/rocket-9": "No enabled provider lists 'acme/rocket-9'.",
    "openrouter/auto2": "openrouter doesn't list",
}


def saved_as_node(admin, reference, **more):
    body = {"node_name": "n", "default_model": reference, **more}
    return "default_model", admin.post(f"{BASE}/nodes", body, format="json")


def saved_as_fallback(admin, reference, **more):
    body = {"node_name": "n", "fallbacks": ["gpt-4o", reference], **more}
    return "fallbacks", admin.post(f"{BASE}/nodes", body, format="json")


def saved_as_type(admin, reference, **more):
    body = {"model": reference, **more}
    return "model", admin.put(f"{BASE}/config/planning", body, format="json")


def saved_as_cheaper(admin, reference, **more):
    body = {"degrade_to": reference, **more}
    return "degrade_to", admin.patch(f"{BASE}/config/planning", body, format="json")


def saved_as_choice(admin, reference, **more):
    body = {"interaction_type": "planning", "model": reference, **more}
    return "model", admin.post(f"{BASE}/user-configs", body, format="json")


def saved_as_arm(admin, reference, **more):
    NodeConfiguration.objects.get_or_create(node_name="n")
    body = {"name": "e", "node": "n", "arms": [{"name": "a", "model": reference, **more}]}
    return "arms", admin.post(f"{BASE}/experiments", body, format="json")


SAVED = [
    saved_as_node, saved_as_fallback, saved_as_type, saved_as_cheaper, saved_as_choice,
    saved_as_arm,
]  # fmt: skip


@pytest.mark.parametrize("save", SAVED)
def test_a_model_that_no_enabled_provider_lists_is_refused_by_api(providers, save):
    admin = caller("administrator")
    for reference, refusal in REFERENCES.items():
        for table in (NodeConfiguration, GlobalConfig, UserConfig, ExperimentArm, Experiment):
            table.objects.all().delete()
        field, answer = save(admin, reference)
        if not refusal:
            assert answer.status_code in {200, 201}, (reference, answer.content)
            continue
        assert answer.status_code == 400, (reference, answer.content)
        error = answer.json()["error"]
        assert error["field"].split(".")[0] == field
        assert refusal in error["message"]
        answer = save(admin, reference, allow_unlisted_models=True)[1]
        assert answer.status_code in {200, 201}, (reference, answer.content)


def test_the_settings_refuse_it_too_and_take_what_was_there_before(providers):
    admin = caller("administrator")
    LLMConfig.objects.update(model_tagger="phi3", provider="sim")

    def patch(**body):
        return admin.patch(f"{BASE}/settings", body, format="json")

    assert patch(batch_size=7).status_code == 200
    assert patch(model_responder="gpt-4").json()["error"]["field"] == "model_responder"
    assert patch(model_responder="sim2/llama3").json()["error"]["field"] == "model_responder"
    assert patch(model_responder="sim2/llama3.3").status_code == 200
    assert patch(model_responder="gpt-4", allow_unlisted_models=True).status_code == 200


def test_an_edit_of_another_field_asks_nothing_of_the_model(providers):
    NodeConfiguration.objects.create(node_name="n", default_model="gone/model")
    admin = caller("administrator")
    address = f"{BASE}/nodes/n"
    assert admin.patch(address, {"default_temperature": 0.1}, format="json").status_code == 200
    assert admin.patch(address, {"default_model": "gone2"}, format="json").status_code == 400


def test_nothing_is_refused_while_no_enabled_provider_has_a_catalogue(make_provider):
    make_provider("off", "openai", is_enabled=False)
    answer = saved_as_node(caller("administrator"), "gpt-9")[1]
    assert answer.status_code == 201


def test_forms_refuse_it_unless_one_ticks_that_it_exists(providers, admin_client):
    address = reverse("admin:llmconfig_nodeconfiguration_add")
    body = {"node_name": "n", "interaction_type": "reasoning", "default_model": "sim/gpt-4"}
    page = admin_client.post(address, body)
    assert "sim doesn&#x27;t list &#x27;gpt-4&#x27;" in page.content.decode()
    assert not NodeConfiguration.objects.exists()
    assert admin_client.post(address, body | {"allow_unlisted_models": "on"}).status_code == 302
    assert NodeConfiguration.objects.get().allow_unlisted_models

    address = reverse("admin:llm_settings")
    seen = admin_client.get(address).context
    body = {seen["seen_name"]: seen["seen_revision"], "planning-model": "gpt-4o-mimi"}
    assert "No enabled provider lists" in admin_client.post(address, body).content.decode()
    body |= {"planning-allow_unlisted_models": "on"}
    page = admin_client.post(address, body)
    assert page.status_code == 302, page.context["refusal"]
    assert GlobalConfig.objects.get(interaction_type="planning").model == "gpt-4o-mimi"


def test_the_nodes_file_names_line_and_field_and_can_say_that_it_exists(
    providers, tmp_path, settings, caplog
):
    path = tmp_path / "nodes.yaml"
    settings.LLM_NODES_FILE = str(path)

    def sync(text):
        path.write_text(text)
        call_command("sync_llm_config")
        return caplog.text

    told = sync("fine:\n  default_model: gpt-4o\nwrong:\n  default_model: sim/gpt-4\n")
    assert "line 4" in told
    assert "wrong.default_model" in told
    assert "sim/gpt-4o" in told
    assert not NodeConfiguration.objects.exists()
    sync("wrong:\n  default_model: sim/gpt-4\n  allow_unlisted_models: true\n")
    assert NodeConfiguration.objects.get().default_model == "sim/gpt-4"
    # A file serves installations that have another provider enabled.
    sync("elsewhere:\n  default_model: gpt-5-pro\n")
    assert NodeConfiguration.objects.filter(node_name="elsewhere").exists()
