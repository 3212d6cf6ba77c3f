"""`import_litellm`: what each entry of a file becomes, and that the same file changes nothing."""

import hashlib
import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from llmconfig import secrets
from llmconfig.configuration.sync.export import export
from llmconfig.models import Budget, GatewayKey, NodeConfiguration, Provider, ProviderModel

pytestmark = pytest.mark.django_db

SECRET = "sk-proj-a-secret-in-clear-0123456789"
HASH = hashlib.sha256(b"sk-a-virtual-key-of-LiteLLM").hexdigest()
FILE = f"""
model_list:
  - model_name: gpt-4o
    litellm_params: {{model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY, timeout: 45}}
    model_info:
      input_cost_per_token: 0.0000025
      output_cost_per_token: 1.0e-05
      max_input_tokens: 128000
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt4o-eu
      api_base: https://eu.openai.azure.com/
      api_key: {SECRET}
      api_version: "2024-10-21"
      rpm: 60
  - model_name: shared
    litellm_params: {{model: hosted_vllm/qwen, api_base: "http://one:8000/v1", weight: 3}}
  - model_name: shared
    litellm_params: {{model: hosted_vllm/qwen, api_base: "http://two:8000/v1", api_key: none}}
  - model_name: team/fast model
    litellm_params:
      model: groq/llama-3.3-70b
      api_key: os.environ/GROQ_API_KEY
      temperature: 0.2
      max_tokens: 500
      top_p: 0.9
      max_budget: 5
      budget_duration: 1d
      made_up: 1
  - model_name: second
    litellm_params: {{model: ollama_chat/llama3, api_base: "http://ollama:11434", order: 2}}
  - model_name: second
    litellm_params: {{model: mistral/small, order: 1}}
  - model_name: vectors
    litellm_params: {{model: text-embedding-3-small}}
  - model_name: claude
    litellm_params: {{model: bedrock/anthropic.claude-v2, aws_region_name: eu-west-1}}
  - model_name: planning
    litellm_params: {{model: os.environ/NOT_SET_ANYWHERE}}
  - model_name: openai/*
    litellm_params: {{model: openai/*, api_key: os.environ/OPENAI_API_KEY}}
router_settings:
  routing_strategy: simple-shuffle
  optional_pre_call_checks: [enforce_model_rate_limits, responses_api_deployment_check]
  num_retries: 2
  fallbacks: [{{"team/fast model": [gpt-4o, claude]}}]
  context_window_fallbacks: [{{second: [gpt-4o]}}]
  model_group_alias: {{gpt-4: gpt-4o}}
  provider_budget_config: {{groq: {{budget_limit: 7, time_period: 7d}}}}
litellm_settings:
  drop_params: true
  cache: true
  cache_params: {{type: redis, ttl: 600, host: redis}}
  success_callback: [prometheus, langfuse, mine.logger]
  max_budget: 100
  budget_duration: 30d
litellm_settings:
  drop_params: true
  cache: true
  cache_params: {{type: redis, ttl: 600, host: redis}}
  success_callback: [prometheus, langfuse, mine.logger]
  max_budget: 100
  budget_duration: 30d
  own_invention: 1
general_settings:
  master_key: {SECRET}
environment_variables: {{A_KEY: {SECRET}}}
guardrails: []
"""
KEYS = {
    "keys": [
        {"token": HASH, "key_name": "sk-...LLM", "key_alias": "website",
         "models": ["shared", "gone"], "max_budget": 20, "budget_duration": "30d",
         "spend": 3, "team_id": "t"},
        {"token": HASH[::-1], "key_name": "sk-...abc", "models": [], "blocked": True,
         "expires": "2027-01-01T00:00:00Z"},
        {"token": "sk-in-clear", "models": []},
    ]
}  # fmt: skip

SERIALIZED = {
    "lc": 1,
    "type": "constructor",
    "id": ["langchain", "chat_models", "anthropic", "ChatAnthropic"],
    "kwargs": {
        "model": "claude-x",
        "anthropic_api_key": {"lc": 1, "type": "secret", "id": ["ANTHROPIC_API_KEY"]},
    },
}


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.LLM_SECRET_REFERENCES = ["env:*_API_KEY"]


@pytest.fixture
def run(tmp_path, capsys):
    """Import texts as files; gives the report."""

    def imported(*texts, write=True):
        paths = []
        for number, text in enumerate(texts):
            paths.append(str(tmp_path / f"{number}.yaml"))
            (tmp_path / f"{number}.yaml").write_text(text)
        capsys.readouterr()
        call_command("import_litellm", "--json", *([] if write else ["--dry-run"]), *paths)
        out = capsys.readouterr().out
        assert SECRET not in out
        return json.loads(out)

    return imported


def test_a_file_becomes_providers_models_prices_budgets_and_nodes(run):
    run(FILE, json.dumps(KEYS))
    providers = {row.name: row for row in Provider.objects.all()}
    assert {name: row.api_base_url for name, row in providers.items()} == {
        "openai": "",
        "eu-openai-azure-com-gpt4o-eu": "https://eu.openai.azure.com",
        "one-8000-qwen": "http://one:8000/v1",
        "two-8000": "http://two:8000/v1",
        "groq": "https://api.groq.com/openai/v1",
        "ollama-11434": "http://ollama:11434/v1",
        "mistral": "https://api.mistral.ai/v1",
    }
    openai, azure = providers["openai"], providers["eu-openai-azure-com-gpt4o-eu"]
    assert (openai.provider_type, openai.secret_ref) == ("openai", "env:OPENAI_API_KEY")
    assert openai.timeout_seconds == 45
    assert (azure.provider_type, azure.api_version) == ("azure_openai", "2024-10-21")
    assert azure.requests_per_minute == 60
    assert SECRET not in azure.api_key
    assert secrets.decrypt(azure.api_key, place=azure.key_place).reveal() == SECRET
    assert providers["one-8000-qwen"].weight == 3
    assert providers["mistral"].secret_ref == "env:MISTRAL_API_KEY"
    model = ProviderModel.objects.get(model_id="gpt-4o")
    price = model.prices.get(source="manual")
    assert (price.input_per_1m, price.output_per_1m) == (Decimal("2.5"), 10)
    assert model.context_window == 128_000
    assert ProviderModel.objects.get(model_id="text-embedding-3-small").kind == "embedding"
    nodes = {
        row.node_name: (row.default_model, row.fallbacks) for row in NodeConfiguration.objects.all()
    }
    gpt = ["openai/gpt-4o", "eu-openai-azure-com-gpt4o-eu/gpt4o-eu"]
    assert nodes == {
        "gpt-4o": (gpt[0], gpt[1:]),
        "gpt-4": (gpt[0], gpt[1:]),
        "shared": ("qwen", []),
        "team-fast-model": ("groq/llama-3.3-70b", gpt),
        "second": ("mistral/small", ["ollama-11434/llama3", *gpt]),
        "vectors": ("openai/text-embedding-3-small", []),
    }
    fast = NodeConfiguration.objects.get(node_name="team-fast-model")
    assert (fast.default_temperature, fast.default_max_tokens) == (0.2, 500)
    budgets = {
        row.name: (row.scope, row.scope_value, row.period, f"{row.hard_limit_usd:.2f}")
        for row in Budget.objects.all()
    }
    assert budgets == {
        "litellm": ("everything", "", "month", "100.00"),
        "litellm, provider groq": ("provider", "groq", "month", "7.00"),
        "litellm, node team-fast-model": ("node", "team-fast-model", "day", "5.00"),
        "key website": ("account", "website", "month", "20.00"),
    }
    keys = {row.name: row for row in GatewayKey.objects.all()}
    website = keys.pop("website")
    assert (website.key_hash, website.names, website.is_enabled) == (HASH, ["shared"], True)
    (other,) = keys.values()
    assert (other.allows_everything, other.is_enabled, other.expires_at.year) == (True, False, 2027)


# litellm 1.110.2 draws by these (findings/litellm_router_takes_rpm_for_a_weight.sh).
@pytest.mark.parametrize(
    ("one", "other", "weights"),
    [
        ("rpm: 1", "rpm: 99", (1, 99)),
        ("rpm: 10, weight: 3", "rpm: 90, weight: 2", (3, 2)),
        ("rpm: 10, tpm: 90000", "rpm: 30, tpm: 10000", (10, 30)),
        ("tpm: 40000", "tpm: 120000", (40, 120)),
        ("tpm: 300", "tpm: 2000000000", (1, 32_767)),
        ("max_parallel_requests: 4", "max_parallel_requests: 2", (1, 1)),
    ],
)
def test_deployments_of_one_name_share_as_they_did(run, one, other, weights):
    run(f"""
model_list:
  - {{model_name: a, litellm_params: {{model: hosted_vllm/qwen, api_base: "http://one", {one}}}}}
  - {{model_name: a, litellm_params: {{model: hosted_vllm/qwen, api_base: "http://two", {other}}}}}
""")
    rows = Provider.objects.order_by("api_base_url")
    assert tuple(row.weight for row in rows) == weights
    assert NodeConfiguration.objects.get(node_name="a").default_model == "qwen"


@pytest.mark.parametrize(
    ("place", "fate", "reason"),
    [
        ("model_list[0].litellm_params.api_key", "taken", "secret reference"),
        ("model_list[1].litellm_params.api_key", "changed", "stored encrypted"),
        ("model_list[1].litellm_params.rpm", "changed", "LiteLLM only weighs by it"),
        ("model_list[1].model_name", "changed", "a fallback of the node gpt-4o"),
        ("model_list[3].litellm_params.api_key", "taken", "a placeholder"),
        ("model_list[3].model_name", "taken", "a deployment of the node"),
        ("model_list[4].model_name", "changed", "the node team-fast-model"),
        ("model_list[4].litellm_params.top_p", "left out", "send it with the request"),
        ("model_list[4].litellm_params.made_up", "left out", "unknown to this import"),
        ("model_list[0].model_info.input_cost_per_token", "changed", "a million tokens"),
        ("model_list[8].litellm_params.aws_region_name", "left out", "a way of its own"),
        ("model_list[9].litellm_params.model", "left out", "NOT_SET_ANYWHERE is not set"),
        ("model_list[10].model_name", "changed", "ask for openai/MODEL"),
        ("router_settings.fallbacks[0]", "changed", "without claude"),
        ("router_settings.context_window_fallbacks[0]", "changed", "after any failure"),
        ("router_settings.optional_pre_call_checks[0]", "taken", "rpm and tpm are limits"),
        ("router_settings.optional_pre_call_checks[1]", "left out", "no such thing"),
        ("router_settings.num_retries", "changed", "LLM_RETRY_MAX_ATTEMPTS"),
        ("router_settings.provider_budget_config.groq", "changed", "a stricter period"),
        ("litellm_settings", "changed", "given twice"),
        ("litellm_settings.cache_params.ttl", "changed", "LLM_CACHE_TTL_SECONDS"),
        ("litellm_settings.success_callback[0]", "taken", "/metrics"),
        ("litellm_settings.success_callback[2]", "left out", "own code"),
        ("litellm_settings.own_invention", "left out", "unknown to this import"),
        ("general_settings.master_key", "left out", "create_llm_key"),
        ("environment_variables.A_KEY", "left out", "environment of web and workers"),
        ("keys[0].models", "changed", "without 1"),
        ("keys[0].spend", "left out", "from its import on"),
        ("keys[2].token", "left out", "no hash"),
    ],
)
def test_each_entry_is_told_with_its_reason(run, place, fate, reason):
    told = run(FILE, json.dumps(KEYS), write=False)
    found = [each for each in told["entries"] if each["place"] == place]
    assert [each["fate"] for each in found] == [fate]
    assert reason in found[0]["reason"]


def test_a_dry_run_writes_nothing_and_the_same_file_changes_nothing(run, tmp_path, capsys):
    files = (FILE, json.dumps(KEYS))
    told = run(*files, write=False)
    assert told["environment"] == {
        "LLM_RETRY_MAX_ATTEMPTS": "3",
        "LLM_CACHE_ENABLED": "true",
        "LLM_CACHE_TTL_SECONDS": "600",
    }
    assert told["stored_keys"] == ["eu-openai-azure-com-gpt4o-eu"]
    assert not Provider.objects.exists()
    assert not GatewayKey.objects.exists()
    assert run(*files)["revision"] is not None
    exported = export()
    again = run(*files)
    assert (again["revision"], again["new_keys"], again["stored_keys"]) == (None, 0, [])
    assert export() == exported
    call_command("import_litellm", "--dry-run", str(tmp_path / "0.yaml"))
    out = capsys.readouterr().out
    assert "left out  model_list[8].litellm_params.aws_region_name: bedrock is spoken to" in out
    assert SECRET not in out
    own = run(exported)
    assert (own["revision"], own["entries"]) == (None, [])


def test_a_reference_that_may_not_be_read_is_left_out_until_it_is_allowed(run, settings):
    settings.LLM_SECRET_REFERENCES = ["env:OTHER"]
    file = "model_list: [{model_name: a, litellm_params: {model: groq/x}}]"
    told = run(file)
    assert told["environment"] == {"LLM_SECRET_REFERENCES": "env:OTHER,env:GROQ_API_KEY"}
    assert Provider.objects.get().secret_ref == ""
    settings.LLM_SECRET_REFERENCES = ["env:GROQ_API_KEY"]
    run(file)
    assert Provider.objects.get().secret_ref == "env:GROQ_API_KEY"


def test_a_seeded_provider_is_used_and_one_that_goes_elsewhere_is_left_alone(run):
    call_command("seed_llm_config")
    Provider.objects.create(name="groq", provider_type="custom", api_base_url="http://mine:1/v1")
    file = """
model_list:
  - {model_name: gpt-4o, litellm_params: {model: gpt-4o}}
  - {model_name: anthropic, litellm_params: {model: claude-sonnet-5-5}}
  - {model_name: g, litellm_params: {model: groq/x}}
"""
    run(file)
    assert Provider.objects.get(name="openai").is_enabled
    assert Provider.objects.get(name="groq-2").api_base_url == "https://api.groq.com/openai/v1"
    assert Provider.objects.get(name="groq").api_base_url == "http://mine:1/v1"
    names = {row.node_name: row.default_model for row in NodeConfiguration.objects.all()}
    assert names == {
        "gpt-4o": "openai/gpt-4o",
        "anthropic-model": "anthropic-2/claude-sonnet-5-5",
        "g": "groq-2/x",
    }
    assert run(file)["revision"] is None


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ('{"chat": {"model": "openai:gpt-4o", "temperature": 0.5}}', "openai/gpt-4o"),
        ('{"chat": {"model": "mini", "model_provider": "google_genai"}}', "gemini/mini"),
        ("chat: {_type: openai-chat, model_name: gpt-4o}", "openai/gpt-4o"),
        (
            json.dumps({"chat": SERIALIZED}),
            "anthropic/claude-x",
        ),
    ],
)
def test_langchains_models_come_in_too(run, text, model):
    run(text)
    assert NodeConfiguration.objects.get(node_name="chat").default_model == model
    assert Provider.objects.get().secret_ref


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[1, 2]", "has no model_list"),
        ("a: [", "line 1: no valid YAML"),
        ("a: !!python/object:os.system x", "no valid YAML"),
        ("nodes:\n  default_modl: x", "Did you mean default_model?"),
    ],
)
def test_what_is_no_configuration_is_refused(run, text, told):
    with pytest.raises(CommandError, match=told.replace("?", r"\?")):
        run(text)


@pytest.mark.parametrize(
    "item",
    ["1", "null", "{}", "[]", "{model_name: 1}", "{model_name: a, litellm_params: []}",
     "{model_name: a, litellm_params: {model: []}}", "{model_name: '', litellm_params: {model: x}}",
     "{model_name: a, litellm_params: {model: openai/, rpm: x, timeout: y, weight: -1}}",
     "{model_name: a, litellm_params: {model: openai/x, api_base: 'http://u:p@h/v1'}}",
     "{model_name: a, litellm_params: {model: openai/x, api_base: 'ftp://h'}}"],
)  # fmt: skip
def test_an_entry_that_is_none_is_left_out_with_a_reason(run, item):
    told = run(f"model_list: [{item}]")
    assert {each["fate"] for each in told["entries"]} == {"left out"}
    assert not Provider.objects.exists()


def test_vendors_of_embeddings_are_spoken_to_in_openais_format(run):
    run("""
model_list:
  - {model_name: v, litellm_params: {model: voyage/voyage-3.5}, model_info: {mode: embedding}}
  - {model_name: j, litellm_params: {model: jina_ai/jina-v4}, model_info: {mode: embedding}}
""")
    found = ProviderModel.objects.filter(model_id__in=["voyage-3.5", "jina-v4"])
    assert {(each.provider.api_base_url, each.kind) for each in found} == {
        ("https://api.voyageai.com/v1", "embedding"),
        ("https://api.jina.ai/v1", "embedding"),
    }
