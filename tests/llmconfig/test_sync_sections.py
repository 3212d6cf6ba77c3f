"""Providers, models, prices and budgets by `sync_llm_config`: written, compared, exported."""

import datetime as dt
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from llmconfig.configuration.revisions import change
from llmconfig.configuration.sync.export import export
from llmconfig.errors import NodesFileInvalid
from llmconfig.models import (
    Budget,
    LLMConfig,
    ModelPrice,
    NodeConfiguration,
    Provider,
    ProviderModel,
)
from llmconfig.secrets import Secret

pytestmark = pytest.mark.django_db

FILE = """
providers:
  eu:
    provider_type: openai
    api_base_url: https://eu.example.com/v1
    secret_ref: env:OPENAI_API_KEY
    timeout_seconds: 120
    requests_per_minute: 500
    weight: 3
  box:
    provider_type: custom
    api_base_url: http://localhost:8000/v1
    is_enabled: false
models:
  eu/gpt-4o:
    tier: house_best
    context_window: 128000
    supports_json_schema: true
    prices:
      - {input_per_1m: 2.50, output_per_1m: 10}
      - {valid_from: 2026-03-01, input_per_1m: 2, output_per_1m: 8, cached_input_per_1m: 0.125}
      - {valid_from: 2026-03-01, service_tier: flex, input_per_1m: 1}
      - {valid_from: 2026-03-01, hours_from: "16:30", hours_until: "00:30", input_per_1m: 0.5}
  box/org/qwen-32b:
    kind: chat
    prices: []
budgets:
  monthly:
    hard_limit_usd: 100.5
    soft_limit_usd: 80
  website, production:
    scope: account
    scope_value: website
    period: day
    hard_limit_usd: 5
gpt-4o:
  default_model: eu/gpt-4o
  fallbacks: [box/org/qwen-32b]
"""


@pytest.fixture
def path(tmp_path, settings):
    """Where the nodes file is."""
    found = tmp_path / "llm.yaml"
    settings.LLM_NODES_FILE = str(found)
    return found


@pytest.fixture
def sync(path):
    """Sync a file with this text."""

    def run(text=FILE, *flags):
        path.write_text(text)
        call_command("sync_llm_config", "--strict", *flags)

    return run


def test_a_file_holds_the_whole_configuration(sync):
    sync()
    eu = Provider.objects.get(name="eu")
    assert (eu.secret_ref, eu.timeout_seconds, eu.requests_per_minute, eu.weight) == (
        "env:OPENAI_API_KEY", 120.0, 500, 3,
    )  # fmt: skip
    assert not Provider.objects.get(name="box").is_enabled
    model = ProviderModel.objects.get(model_id="gpt-4o", provider=eu)
    assert (model.tier, model.context_window) == ("house_best", 128000)
    prices = {
        (row.valid_from.year, row.service_tier, row.hours_from): row.input_per_1m
        for row in model.prices.all()
    }
    assert prices == {
        (2020, "", None): Decimal("2.5"),
        (2026, "", None): 2,
        (2026, "flex", None): 1,
        (2026, "", dt.time(16, 30)): Decimal("0.5"),
    }
    assert Budget.objects.get(name="website, production").hard_limit_usd == 5
    node = NodeConfiguration.objects.get(node_name="gpt-4o")
    assert (node.default_model, node.fallbacks) == ("eu/gpt-4o", ["box/org/qwen-32b"])


def test_an_export_synced_into_an_empty_database_exports_the_same(sync):
    sync()
    with change(source="admin"):
        ModelPrice.objects.create(
            model=ProviderModel.objects.get(model_id="org/qwen-32b"),
            valid_from=dt.datetime(2026, 5, 1, 10, 30, 0, 250, tzinfo=dt.UTC),
            source="genai-prices",
            output_per_1m=Decimal("0.000001"),
            above_prompt_tokens=200_000,
        )
    call_command("seed_llm_config")
    call_command("sync_llm_config", "--take", "db")
    exported = export()
    for table in (NodeConfiguration, Budget, ModelPrice, ProviderModel, LLMConfig):
        table.objects.all().delete()
    Provider.objects.all().delete()
    sync(exported)
    assert export() == exported
    call_command("sync_llm_config", "--check")


def test_who_changed_a_field_is_known_here_too(sync, caplog):
    sync()
    with change(source="admin"):
        Provider.objects.filter(name="eu").update(weight=7, timeout_seconds=60)
        price = ModelPrice.objects.get(input_per_1m=2)
        price.input_per_1m = 3
        price.save()
    sync(FILE.replace("weight: 3", "weight: 4"))
    eu = Provider.objects.get(name="eu")
    assert (eu.weight, eu.timeout_seconds) == (4, 60)
    assert "LLM config providers.eu.weight: 7 -> 4 (changed in both)" in caplog.text
    assert "LLM config providers.eu.timeout_seconds: stays 60.0" in caplog.text
    assert ModelPrice.objects.get(pk=price.pk).input_per_1m == 3
    assert "LLM config models.eu/gpt-4o.prices: stays" in caplog.text
    sync(FILE, "--take", "yaml")
    assert ModelPrice.objects.get(pk=price.pk).input_per_1m == 2


def test_a_dry_run_writes_nothing_though_nodes_need_the_new_models(sync, capsys):
    sync(FILE, "--dry-run")
    assert 'providers.eu (new)\n  provider_type: "" -> "openai"' in capsys.readouterr().out
    assert not Provider.objects.filter(name="eu").exists()
    with pytest.raises(CommandError, match="The file says what the database"):
        sync(FILE, "--check")


def test_what_left_the_file_goes_when_it_is_pruned_and_nothing_names_it(sync):
    sync()
    only_node = "other:\n  default_model: eu/gpt-4o\n"
    with pytest.raises(CommandError, match="the node other names it"):
        sync(only_node, "--prune")
    assert Provider.objects.filter(name="eu").exists()
    sync("{}", "--prune")
    assert not Provider.objects.filter(name__in=["eu", "box"]).exists()
    assert not Budget.objects.exists()


def test_a_tier_moves_from_one_model_to_another(sync):
    sync()
    moved = FILE.replace("    tier: house_best\n", "    tier: null\n").replace(
        "    kind: chat\n", "    kind: chat\n    tier: house_best\n"
    )
    sync(moved)
    assert ProviderModel.objects.get(tier="house_best").model_id == "org/qwen-32b"


def test_a_stored_key_stays_and_goes_to_no_other_host(sync):
    without = FILE.replace("    secret_ref: env:OPENAI_API_KEY\n", "")
    sync(without)
    eu = Provider.objects.get(name="eu")
    eu.set_key(Secret("sk-a-key-of-the-database"))
    with change(source="admin"):
        eu.save()
    sync(without.replace("timeout_seconds: 120", "timeout_seconds: 90"))
    assert Provider.objects.get(name="eu").timeout_seconds == 90
    with pytest.raises(CommandError, match="stored key would go to another server"):
        sync(without.replace("eu.example.com", "evil.example.com"))
    assert "sk-a-key" not in export()


def test_several_files_are_read_as_one(path, tmp_path, settings):
    nodes, _, _ = FILE.partition("gpt-4o:\n  default")
    path.write_text(nodes)
    second = tmp_path / "nodes.yaml"
    second.write_text("gpt-4o:\n  default_model: eu/gpt-4o\n")
    settings.LLM_NODES_FILE = f"{path}, {second}"
    call_command("sync_llm_config", "--strict")
    assert NodeConfiguration.objects.get(node_name="gpt-4o").default_model == "eu/gpt-4o"
    second.write_text("budgets:\n  monthly:\n    hard_limit_usd: 1\n")
    with pytest.raises(CommandError, match=r"budgets\.monthly: nodes\.yaml holds this as well"):
        call_command("sync_llm_config", "--strict")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("provider_type: openai", "provider_type: opnai", "Did you mean openai?"),
        ("    provider_type: custom\n", "", "providers.box.provider_type: a new one needs"),
        ("secret_ref: env", "api_key: env", "Secrets don't belong in this file"),
        ("env:OPENAI_API_KEY", "env:DJANGO_SECRET_KEY", "secret of the installation itself"),
        ("env:OPENAI_API_KEY", "sk-abcdefghijklmnopqrstu", "looks like a secret"),
        ("https://eu.example.com/v1", "https://me:pw@eu.example.com", "Leave out user name"),
        ("timeout_seconds: 120", "timeout_seconds: 0", "greater than or equal to 0.1"),
        ("weight: 3", "weight: 0", "out of range; use 1 to 32767"),
        ("eu/gpt-4o:\n    tier", "gpt-4o:\n    tier", "a model is named provider/model"),
        ("box/org/qwen-32b:\n", "nobody/qwen:\n", "there is no provider 'nobody'"),
        ("input_per_1m: 2.50", "input_per_1m: -1", "is no amount"),
        ("input_per_1m: 2.50", "input_per_1m: 0.1234567", "decimal places"),
        ("input_per_1m: 2.50", "input: 2", "unknown field. A price has"),
        ("service_tier: flex, ", "", "given twice, for the same time"),
        ("2026-03-01, hours_from", "yesterday, hours_from", "is no date"),
        (', hours_until: "00:30"', "", "Give both times"),
        ("    soft_limit_usd: 80", "    soft_limit_usd: 800", "soft limit is not above"),
        ("    scope: account\n", "", "Choose which one it applies to"),
        ("hard_limit_usd: 100.5", 'hard_limit_usd: "100"', "is no amount"),
        ("default_model: eu/gpt-4o", "default_model: box/org/qwen-32b", "name of a listed model"),
        ("providers:\n", "model_list: []\nproviders:\n", "import_litellm"),
    ],
)
def test_what_may_not_be_is_refused_with_its_place_and_nothing_is_written(sync, old, new, told):
    assert old in FILE
    with pytest.raises(CommandError) as refused:
        sync(FILE.replace(old, new, 1))
    assert told in str(refused.value)
    assert "line " in str(refused.value)
    assert not Provider.objects.filter(name__in=["eu", "box"]).exists()
    assert not NodeConfiguration.objects.filter(node_name="gpt-4o").exists()


def test_an_export_with_a_secret_is_refused(sync):
    sync()
    with change(source="admin"):
        Budget.objects.filter(name="monthly").update(name="sk-abcdefghijklmnopqrstu")
    with pytest.raises(NodesFileInvalid, match="looks like a secret"):
        export()
