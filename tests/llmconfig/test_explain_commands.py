"""`llm_explain` and `llm_validate`: what people and CI read about the configuration."""

import json

import pytest
from django.core.management import CommandError, call_command

from llmconfig.configuration import experiments, snapshot
from llmconfig.models import (
    Experiment,
    GlobalConfig,
    InteractionType,
    Provider,
    ProviderModel,
    UserConfig,
)
from tests.api import caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def configured(make_provider, make_node):
    make_provider()
    for interaction in InteractionType:
        GlobalConfig.objects.create(interaction_type=interaction, model="sim/gpt-4o-mini")
    return make_node("", default_temperature=0.3)


def explained(capsys, *arguments):
    call_command("llm_explain", *arguments)
    return capsys.readouterr().out


def test_the_table_marks_the_layer_that_wins_each_field(configured, capsys):
    told = explained(capsys, "tag_rows")
    rows = {line.split("│")[1].strip(): line for line in told.splitlines() if "│" in line}
    assert "→ 0.3" in rows["node"]
    assert "→ sim/gpt-4o-mini" in rows["interaction type"]
    assert "1. sim/gpt-4o-mini, temperature 0.3" in told


def test_a_users_choice_is_told_for_that_user_only(configured, capsys, django_user_model):
    user = django_user_model.objects.create_user("ada")
    UserConfig.objects.create(user=user, node=configured, temperature=0.9)
    assert "temperature 0.9" in explained(capsys, "tag_rows", "--user", "ada")
    assert "temperature 0.3" in explained(capsys, "tag_rows")
    with pytest.raises(CommandError, match="no user 'nobody'"):
        explained(capsys, "tag_rows", "--user", "nobody")


def test_a_script_reads_every_layer_as_json(configured, capsys):
    told = json.loads(explained(capsys, "tag_rows", "--json"))
    temperature = told["fields"]["temperature"]
    assert (temperature["value"], temperature["layer"]) == (0.3, "node")
    assert temperature["layers"]["processing settings"] is None
    assert told["targets"] == [
        {
            "provider": "sim",
            "model": "gpt-4o-mini",
            "temperature": 0.3,
            "max_tokens": None,
            "dropped": [],
        }
    ]


def test_a_running_experiment_is_told_with_the_arm_of_a_key(configured, capsys):
    experiment = Experiment.objects.create(name="cooler", node=configured)
    experiment.arms.create(name="cold", temperature=0.1)
    experiment.arms.create(name="cold-too", temperature=0.1)
    experiments.start("cooler", source="shell")
    assert "experiment cooler is running" in explained(capsys, "tag_rows")
    told = json.loads(explained(capsys, "tag_rows", "--experiment-key", "row-1", "--json"))
    assert told["experiment"] == "cooler"
    assert told["targets"][0]["temperature"] == 0.1


def test_an_unknown_name_is_refused_with_what_is_near(configured, capsys):
    with pytest.raises(CommandError, match="Did you mean tag_rows"):
        explained(capsys, "tag_row")


def validated(capsys, *arguments):
    call_command("llm_validate", *arguments)
    return capsys.readouterr().out


def test_a_sound_configuration_is_valid_and_nobody_is_called(configured, capsys, simulator):
    told = validated(capsys)
    assert "node tag_rows: sim/gpt-4o-mini" in told
    assert "unknown" not in told
    assert simulator.requests == 0


def test_an_unreadable_key_is_an_exit_code_of_1(configured, capsys):
    Provider.objects.update(api_key="v1:deadbeef:gAAAA")
    with pytest.raises(CommandError, match="11 of 11") as caught:
        validated(capsys)
    assert caught.value.returncode == 1
    assert "not in this process's LLM_FIELD_KEYS" in capsys.readouterr().out


def test_an_arm_that_nobody_serves_is_found_before_it_is_called(configured, capsys):
    experiment = Experiment.objects.create(name="cooler", node=configured)
    experiment.arms.create(name="control")
    experiment.arms.create(name="gone", model="tier:gone")
    experiments.start("cooler", source="shell")
    with pytest.raises(CommandError, match="1 of 13"):
        validated(capsys)
    told = capsys.readouterr().out
    assert "arm cooler, arm gone: nothing can serve it" in told
    assert "  tier:gone has no active model." in told


# What the interaction type "tools" names, what is told of it, and whether that is a failure.
NAMED = {
    "listed": ({"model": "sim/gpt-4o-mini"}, "sim/gpt-4o-mini (listed)", False),
    "unlisted": (
        {"model": "sim/gpt-4o-mni"},
        "sim doesn't list 'gpt-4o-mni'. Did you mean sim/gpt-4o-mini?",
        True,
    ),
    "unlisted, but it exists": (
        {"model": "sim/new", "allow_unlisted_models": True},
        "tools: sim/new (unlisted)",
        False,
    ),
    "never discovered": ({"model": "fresh/anything"}, "tools: fresh/anything (unknown)", False),
    "no such provider": (
        {"model": "sim/gpt-4o-mini", "fallbacks": ["nobody/gpt-9"]},
        "fallback nobody/gpt-9",
        True,
    ),
    "a disabled provider": (
        {"model": "sim/gpt-4o-mini", "fallbacks": ["off/llama"]},
        "off/llama: the provider off is disabled.",
        True,
    ),
    "a tier without a model": (
        {"model": "sim/gpt-4o-mini", "fallbacks": ["tier:gone"]},
        "tier:gone has no active model.",
        True,
    ),
    "a fallback that isn't listed": (
        {"model": "sim/gpt-4o-mini", "fallbacks": ["sim/gpt-4o-mini", "sim/gpt4o-mini"]},
        "sim doesn't list 'gpt4o-mini'. Did you mean sim/gpt-4o-mini?",
        True,
    ),
    "a cheaper model that isn't listed": (
        {"model": "sim/gpt-4o-mini", "degrade_to": "sim/cheap", "degrade_after_seconds": 1},
        "sim doesn't list 'cheap'.",
        True,
    ),
}


@pytest.mark.parametrize(("row", "said", "broken"), NAMED.values(), ids=NAMED)
def test_each_model_that_is_named_is_judged_in_turn(
    configured, capsys, make_provider, row, said, broken
):
    make_provider("off", model_id="llama", is_enabled=False)
    make_provider("fresh", model_id="x")
    ProviderModel.objects.filter(provider__name="fresh").delete()
    GlobalConfig.objects.filter(interaction_type="tools").update(**row)
    if broken:
        with pytest.raises(CommandError, match="1 of 11 can't be served as configured") as caught:
            validated(capsys)
        assert caught.value.returncode == 1
        told = capsys.readouterr().out
    else:
        told = validated(capsys)
    assert said in told


def test_the_api_tells_listed_unlisted_and_unknown_apart(configured):
    row = {"model": "sim/gpt-4o-mini", "fallbacks": ["sim/gpt-4o-mni"]}
    GlobalConfig.objects.filter(interaction_type="tools").update(**row)
    snapshot.expire()
    found = caller("viewer").get("/api/v1/llm/config/validate").json()
    tools = next(each for each in found["results"] if each["name"] == "tools")
    assert (found["valid"], tools["valid"], tools["target"]) == (False, False, "sim/gpt-4o-mini")
    assert [(each["role"], each["listing"], each["nearest"]) for each in tools["models"]] == [
        ("model", "listed", []),
        ("fallback", "unlisted", ["sim/gpt-4o-mini"]),
    ]


def test_unknown_prices_are_told_and_break_nothing(configured, capsys, make_provider):
    make_provider("free", model_id="llama", price=None)
    GlobalConfig.objects.filter(interaction_type="tools").update(model="free/llama")
    assert "the price of free/llama is unknown" in validated(capsys)
    assert json.loads(validated(capsys, "--json"))["unpriced"] == ["free/llama"]
