"""Odd files of LiteLLM's: those that include others, have no models, or rare keys."""

import json

import pytest
from django.core.management import CommandError, call_command

from llmconfig.models import ModelPrice, NodeConfiguration, Provider

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(tmp_path, capsys, settings):
    """Import a text as a file; gives the report."""
    settings.LLM_SECRET_REFERENCES = ["env:*_API_KEY"]

    def imported(text):
        (tmp_path / "config.yaml").write_text(text)
        capsys.readouterr()
        call_command("import_litellm", "--json", str(tmp_path / "config.yaml"))
        return json.loads(capsys.readouterr().out)

    return imported


ODD = """
include: [parts/models.yaml, models.yaml]
litellm_settings:
  callbacks: [langfuse, {websearch_interception: {enabled_providers: [bedrock]}}]
  prometheus_metrics_config: []
  mcp_semantic_tool_filter: {enabled: true}
  default_redis_ttl: 5
  presidio_ad_hoc_recognizers: x.json
general_settings:
  {maximum_spend_logs_cleanup_cron: "0 4 * * *", password_policy_min_length: 9, x_base_url: y}
policies: {strict: {}}
"""
PART = """
include: [models.yaml]
model_list:
  - model_name: long
    rpm: 5
    litellm_params:
      {model: openai/gpt-x, api_key: os.environ/OPENAI_API_KEY, litellm_credential_name: none-such,
       web_search_options: {}, auto_router_config: x, azure_scope: y}
    model_info:
      {input_cost_per_token: 0.000001, input_cost_per_token_above_272k_tokens: 0.000002,
       input_cost_per_query: 1, health_check_timeout: 5, supports_computer_use: true, mine: 1}
"""


def test_an_include_is_read_and_each_key_has_a_reason_of_its_kind(run, tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "models.yaml").write_text(PART)
    (tmp_path / "models.yaml").write_text(
        "model_list: [{model_name: second, litellm_params: {model: ollama/x, api_base: 'http://o'}}]"
    )
    told = run(ODD)
    found = {each["place"]: each for each in told["entries"]}
    for place, fate, reason in (
        ("include[0]", "taken", "parts/models.yaml are read with the file"),
        ("litellm_settings.callbacks[0]", "changed", "LLM_TRACING_ENDPOINT"),
        ("litellm_settings.callbacks[1]", "left out", "own code"),
        ("litellm_settings.prometheus_metrics_config", "left out", "fixed names and labels"),
        ("litellm_settings.mcp_semantic_tool_filter", "left out", "tools are the client's"),
        ("litellm_settings.default_redis_ttl", "left out", "REDIS_URL"),
        ("litellm_settings.presidio_ad_hoc_recognizers", "left out", "there are none here"),
        ("general_settings.maximum_spend_logs_cleanup_cron", "left out", "LLM_KEEP_METRICS"),
        ("general_settings.password_policy_min_length", "left out", "Django's"),
        ("general_settings.x_base_url", "left out", "with each deployment"),
        ("policies", "left out", "there are none here"),
        ("model_list[0].rpm", "left out", "`litellm_params.rpm` is meant"),
        ("model_list[0].litellm_params.litellm_credential_name", "left out", "none of that name"),
        ("model_list[0].litellm_params.web_search_options", "left out", "with the request"),
        ("model_list[0].litellm_params.auto_router_config", "left out", "cascade"),
        ("model_list[0].litellm_params.azure_scope", "left out", "only keys"),
        ("model_list[0].model_info.input_cost_per_query", "left out", "prices here are"),
        ("model_list[0].model_info.health_check_timeout", "left out", "tested on its page"),
        ("model_list[0].model_info.supports_computer_use", "taken", "where the provider has it"),
        ("model_list[0].model_info.mine", "left out", "nothing reads it"),
    ):
        assert (found[place]["fate"], reason in found[place]["reason"]) == (fate, True), place
    assert [each["place"] for each in told["entries"] if not each["known"]] == [
        "model_list[0].model_info.mine"
    ]
    assert set(NodeConfiguration.objects.values_list("node_name", flat=True)) == {"long", "second"}
    prices = ModelPrice.objects.filter(model__model_id="gpt-x").order_by("above_prompt_tokens")
    assert [(each.above_prompt_tokens, each.input_per_1m) for each in prices] == [
        (0, 1),
        (272_000, 2),
    ]
    again = run(ODD)
    assert again["revision"] is None


def test_settings_that_an_included_section_replaces_are_told_as_left_out(run, tmp_path):
    (tmp_path / "quiet.yaml").write_text("router_settings: {num_retries: 1}")
    told = run("router_settings: {num_retries: 3, allowed_fails: 2}\ninclude: [quiet.yaml]")
    found = {each["place"]: each for each in told["entries"]}
    lost = found["router_settings.allowed_fails"]
    assert lost["fate"] == "left out"
    assert "quiet.yaml has the section router_settings too" in lost["reason"]
    assert "replaces" not in found["router_settings.num_retries"]["reason"]
    assert len(told["entries"]) == 3  # the include and the two settings, each once


FIGURES = """
model_list:
  - {model_name: "*", litellm_params: {model: "*"}}
  - model_name: own
    litellm_params:
      {model: openai/a, api_base: "http://a", timeout: os.environ/SECONDS_SET}
  - model_name: unset
    litellm_params:
      {model: openai/b, api_base: "http://b", timeout: os.environ/SECONDS_UNSET}
litellm_settings: {request_timeout: "45"}
router_settings: {timeout: soon}
general_settings: {alerting: [slack], alert_to_webhook_url: {budget_alerts: "https://x"}}
"""


def test_timeouts_of_any_form_hold_and_what_is_left_out_is_told_with_a_way(run, monkeypatch):
    monkeypatch.setenv("SECONDS_SET", "20")
    found = {each["place"]: each for each in run(FIGURES)["entries"]}
    for place, fate, reason in (
        ("model_list[0].litellm_params.model", "left out", "name one (openai/*)"),
        ("model_list[1].litellm_params.timeout", "taken", "the provider's timeout"),
        ("model_list[2].litellm_params.timeout", "left out", "a variable that isn't set"),
        ("litellm_settings.request_timeout", "taken", "whose deployments give none"),
        ("router_settings.timeout", "left out", "no number of seconds"),
        ("general_settings.alerting", "left out", "an alert rule tells e-mail"),
        ("general_settings.alert_to_webhook_url", "left out", "an alert rule tells e-mail"),
    ):
        assert (found[place]["fate"], reason in found[place]["reason"]) == (fate, True), place
    times = dict(Provider.objects.values_list("api_base_url", "timeout_seconds"))
    assert (times["http://a"], times["http://b"]) == (20, 45)


@pytest.mark.parametrize(
    ("included", "told"),
    [("[gone.yaml]", "gone.yaml does not exist"), ("models.yaml", "include is a list")],
)
def test_an_include_that_cannot_be_read_is_refused_by_name(run, included, told):
    with pytest.raises(CommandError, match=told):
        run(f"include: {included}\nmodel_list: []")


@pytest.mark.parametrize(
    "text",
    [
        "general_settings: {master_key: sk-1, alerting: [slack]}",
        "router_settings: {routing_strategy: least-busy}",
        "guardrails: [{guardrail_name: a}]",
        "credential_list: []\nvector_store_registry: [{vector_store_name: a}]",
    ],
)
def test_a_file_without_models_is_litellms_all_the_same(run, text):
    told = run(text)
    assert all(each["known"] for each in told["entries"])
    assert told["totals"]
