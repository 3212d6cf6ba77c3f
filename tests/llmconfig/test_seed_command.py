"""`seed_llm_config`: what it makes, what it leaves alone, and that no key is copied."""

import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from llmconfig.configuration import snapshot
from llmconfig.configuration.prices import row_in_force, suggested_prices
from llmconfig.configuration.resolution import resolve
from llmconfig.configuration.revisions import change
from llmconfig.models import (
    GlobalConfig,
    LLMConfig,
    ModelPrice,
    PriceSource,
    Provider,
    ProviderModel,
    Revision,
)
from llmconfig.secrets import Secret

pytestmark = pytest.mark.django_db

KEY = "sk-canary-0123456789"


def seed(*flags: str) -> None:
    call_command("seed_llm_config", *flags)


def test_the_tiers_read_as_the_seed_document_lists_them():
    seed()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tier, model_name, max_tokens, cost_per_1m_input_usd, cost_per_1m_output_usd"
            " FROM llm_context_windows ORDER BY tier"
        )
        assert cursor.fetchall() == [
            ("cloud_fast", "glm-4.5", 128_000, Decimal("0.20"), Decimal("0.20")),
            ("cloud_premium", "glm-4.6", 128_000, Decimal("0.30"), Decimal("0.30")),
            ("local", "ollama/codellama:7b", 16_000, Decimal(0), Decimal(0)),
        ]


def test_the_interaction_types_have_their_defaults_and_four_are_blank():
    seed()
    rows = GlobalConfig.objects.values_list("interaction_type", "model", "temperature")
    assert {name: (model, temperature) for name, model, temperature in rows} == {
        "reasoning": ("gpt-4o", 0.7),
        "tools": ("gpt-4o-mini", 0.1),
        "subagents": ("gpt-4o-mini", 0.5),
        "planning": ("gpt-4o", 0.2),
        "embeddings": ("text-embedding-3-small", 0.0),
        "tagger": ("", None),
        "enricher": ("", None),
        "analytics": ("", None),
        "responder": ("", None),
        "judge": ("gpt-4o", 0.0),
    }


def test_the_settings_start_switched_off_with_the_documented_defaults():
    seed()
    row = LLMConfig.objects.get()
    assert (row.provider_id, row.model_tagger, row.model_enricher) == ("local", "phi3", "llama3")
    assert (row.enabled, row.batch_size, row.concurrent_tasks) == (False, 5, 2)


def test_prices_come_from_the_installed_list_and_no_price_is_no_row():
    seed()
    listed = suggested_prices("openai", "gpt-4o")
    assert listed is not None
    model = ProviderModel.objects.get(model_id="gpt-4o", provider__name="openai")
    price = row_in_force(model)
    assert price is not None
    assert (price.input_per_1m, price.output_per_1m) == (listed.input, listed.output)
    assert price.source == PriceSource.GENAI_PRICES
    assert not ModelPrice.objects.filter(source="genai-prices", input_per_1m=None).exists()
    assert set(
        ModelPrice.objects.filter(input_per_1m=0).values_list("model__provider__name", flat=True)
    ) == {"local"}


def test_without_keys_only_local_is_enabled():
    seed()
    assert list(Provider.objects.filter(is_enabled=True).values_list("name", flat=True)) == [
        "local"
    ]


def test_a_key_in_the_environment_is_referenced_and_never_copied(monkeypatch, capsys):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    seed()
    row = Provider.objects.get(name="openai")
    assert (row.is_enabled, row.secret_ref, row.api_key) == (True, "env:OPENAI_API_KEY", "")
    call_command("dumpdata", "llmconfig")
    assert KEY not in capsys.readouterr().out


def test_a_copy_is_switched_off_before_its_workers_start(capsys):
    seed("--enable")
    seed("--disable")
    assert not LLMConfig.objects.get().enabled
    assert "Calls are switched off" in capsys.readouterr().out
    with pytest.raises(CommandError, match="not allowed with"):
        seed("--enable", "--disable")


def test_a_second_run_changes_nothing_and_makes_no_revision(capsys):
    seed("--enable", "--local-model", "qwen")
    count = Revision.objects.count()
    capsys.readouterr()
    seed("--enable", "--local-model", "qwen", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["created"], report["updated"], report["revision"]) == ([], [], None)
    assert Revision.objects.count() == count


def test_what_a_person_changed_is_left_alone():
    seed()
    with change(source="admin"):
        Provider.objects.filter(name="local").update(api_base_url="http://gpu:8000/v1")
        GlobalConfig.objects.filter(interaction_type="reasoning").update(model="mine")
        ProviderModel.objects.filter(tier="cloud_fast").update(tier="mine")
        ProviderModel.objects.filter(model_id="gpt-4o-mini").update(tier="cloud_fast")
        ModelPrice.objects.filter(model__model_id="gpt-4o").delete()
        LLMConfig.objects.update(enabled=True, batch_size=7)
    seed()
    assert Provider.objects.get(name="local").api_base_url == "http://gpu:8000/v1"
    assert GlobalConfig.objects.get(interaction_type="reasoning").model == "mine"
    assert ProviderModel.objects.get(tier="cloud_fast").model_id == "gpt-4o-mini"
    assert not ModelPrice.objects.filter(model__model_id="gpt-4o").exists()
    assert LLMConfig.objects.values_list("enabled", "batch_size").get() == (True, 7)


def test_a_tier_given_to_another_model_is_not_taken_back_when_its_own_is_missing():
    seed()
    with change(source="admin"):
        ProviderModel.objects.filter(model_id="glm-4.5").delete()
        ProviderModel.objects.filter(model_id="gpt-4o-mini").update(tier="cloud_fast")
    seed()
    assert ProviderModel.objects.get(model_id="glm-4.5").tier is None


def test_a_local_model_serves_the_enrichment_nodes_for_nothing():
    seed("--enable", "--local-url", "http://127.0.0.1:9/v1", "--local-model", "qwen2.5")
    call_command("sync_llm_config")
    for node in ("description_cleaning", "dog_profiler", "translation", "tagging"):
        target = resolve(node, snapshot=snapshot.current()).targets[0]
        assert (target.provider.name, target.model_id) == ("local", "qwen2.5")
        assert target.provider.base_url == "http://127.0.0.1:9/v1"
        assert target.candidate.model is not None
        assert target.candidate.model.supports_json_schema
        assert target.candidate.model.prices[0].input == 0


def test_with_a_key_of_openrouter_enrichment_goes_to_its_own_choice(monkeypatch):
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    seed("--enable")
    call_command("sync_llm_config")
    for node in ("description_cleaning", "dog_profiler", "translation", "tagging"):
        target = resolve(node, snapshot=snapshot.current()).targets[0]
        assert (target.provider.name, target.model_id) == ("openrouter", "openrouter/auto")


def test_a_default_model_decides_from_the_start_and_is_told_when_it_comes_too_late(
    settings, capsys
):
    seed()
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_DEFAULT_MODEL": "local/qwen"}
    seed("--enable")
    assert "Blank them in the admin" in capsys.readouterr().out
    LLMConfig.objects.all().delete()
    seed("--enable")
    call_command("sync_llm_config")
    target = resolve("tagging", snapshot=snapshot.current()).targets[0]
    assert (target.provider.name, target.model_id) == ("local", "qwen")


@pytest.mark.django_db(transaction=True)
def test_enabled_providers_are_tested_and_their_models_read(simulator, capsys):
    seed("--enable", "--local-url", f"{simulator.url}/v1", "--discover")
    told = capsys.readouterr().out
    assert "local: the connection works; it lists 5 models, 5 of them new." in told
    assert "openai:" not in told
    local = Provider.objects.get(name="local")
    assert local.validated_at is not None
    assert local.models.filter(model_id="gpt-4o-mini").exists()
    assert simulator.stats()["paid"] == 0
    seed("--local-url", "http://127.0.0.1:9/v1", "--discover", "--json")
    assert "Connect call failed" in json.loads(capsys.readouterr().out)["asked"]["local"]


def test_the_local_key_is_referenced_while_it_is_set(monkeypatch):
    seed()
    monkeypatch.setenv("LLM_LOCAL_API_KEY", KEY)
    seed("--local-url", "http://127.0.0.1:9/v1")
    assert Provider.objects.get(name="local").secret_ref == "env:LLM_LOCAL_API_KEY"
    monkeypatch.delenv("LLM_LOCAL_API_KEY")
    seed("--local-url", "http://127.0.0.1:10/v1")
    assert Provider.objects.get(name="local").secret_ref == ""


def test_a_stored_key_does_not_follow_the_local_address():
    seed()
    local = Provider.objects.get(name="local")
    local.set_key(Secret(KEY))
    with change(source="admin"):
        local.save()
    with pytest.raises(CommandError, match="key for its present address"):
        seed("--local-url", "http://127.0.0.1:9/v1")
    assert Provider.objects.get(name="local").api_base_url == local.api_base_url


def test_a_provider_that_is_named_is_enabled_once_its_key_is_set(monkeypatch):
    seed()
    with pytest.raises(CommandError, match="ANTHROPIC_API_KEY is not set"):
        seed("--provider", "anthropic", "--enable")
    assert not LLMConfig.objects.get().enabled
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    seed("--provider", "anthropic")
    row = Provider.objects.get(name="anthropic")
    assert (row.is_enabled, row.secret_ref) == (True, "env:ANTHROPIC_API_KEY")


@pytest.mark.parametrize(
    "flags",
    [("--local-url", "localhost"), ("--local-url", "ftp://x/"), ("--local-model", "two words")],
)
def test_a_wrong_flag_is_one_line_and_writes_nothing(flags):
    with pytest.raises(CommandError, match=flags[0]) as refused:
        seed(*flags)
    assert "\n" not in str(refused.value)
    assert not Provider.objects.exists()
