"""Defaults by environment, who wins a sync, and what is printed of them."""

import asyncio
import json

import pytest
from celery.signals import worker_init
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from enrichment import tasks  # noqa: F401 - registers on import
from llmconfig.configuration import process_settings, snapshot
from llmconfig.models import LLMConfig, NodeConfiguration, Provider
from nodewise import llm
from nodewise.asgi import wrap
from project import settings as shipped
from project.celery import app

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def nodes(tmp_path, settings):
    """A file with one node, which the database has been changed to say otherwise."""
    path = tmp_path / "nodes.yaml"
    path.write_text("greeting:\n  default_temperature: 0.3\n")
    settings.LLM_NODES_FILE = str(path)
    call_command("sync_llm_config")
    NodeConfiguration.objects.update(default_temperature=0.9)
    return path


def temperature():
    return NodeConfiguration.objects.get(node_name="greeting").default_temperature


def printed(capsys, *arguments):
    capsys.readouterr()
    call_command("llm_settings", "--json", *arguments)
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("environment", "batch", "cache", "attempts"),
    [("", 5, 1000, 3), ("development", 3, 200, 3), ("production", 10, 2000, 5)],
)
def test_each_environment_has_its_defaults(environment, batch, cache, attempts, settings, capsys):
    settings.LLM_DEFAULTS = environment
    call_command("seed_llm_config")
    snapshot.expire()
    state = snapshot.current()
    names = ("LLM_BATCH_DEFAULT_SIZE", "LLM_CACHE_MAX_SIZE", "LLM_RETRY_MAX_ATTEMPTS")
    assert [state.setting(each) for each in names] == [batch, cache, attempts]
    shown = printed(capsys)
    assert ("LLM_CACHE_MAX_SIZE" in shown) == bool(environment)
    if environment:
        assert shown["LLM_CACHE_MAX_SIZE"]["source"] == f"LLM_DEFAULTS={environment}"
    LLMConfig.objects.update(batch_size=7)
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_CACHE_MAX_SIZE": 50}
    snapshot.expire()
    shown = printed(capsys)
    assert shown["LLM_BATCH_DEFAULT_SIZE"] == {
        "value": 7, "default": 5, "source": "processing settings"
    }  # fmt: skip
    assert (shown["LLM_CACHE_MAX_SIZE"]["value"], shown["LLM_CACHE_MAX_SIZE"]["source"]) == (
        50, "environment",
    )  # fmt: skip
    assert len(printed(capsys, "--all")) > 25
    call_command("llm_settings")
    assert "LLM_BATCH_DEFAULT_SIZE = 7  # processing settings; default 5" in capsys.readouterr().out


def test_the_shipped_settings_have_them_all():
    assert {shipped.LLM_DEFAULTS, shipped.LLM_SYNC_POLICY, shipped.LLM_SYNC_AT_START} <= {"", False}


@pytest.mark.parametrize(
    ("name", "said"), [("LLM_SYNC_POLICY", "use yaml, db or nothing"), ("LLM_DEFAULTS", "use dev")]
)
def test_nonsense_is_named(name, said, settings):
    from llmconfig import project_settings  # noqa: PLC0415

    setattr(settings, name, "always")
    assert [each for each in project_settings.problems() if name in each and said in each]


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("LLM_TRACING_ENDPOINT", "collector", "https://collector.example/v1/traces"),
        ("LLM_TRACING_ENDPOINT", "ftp://collector.example", "http://collector.example"),
        ("LLM_TRACING_HEADERS", "a-key-alone", "x-key=secret%20words,project=p"),
    ],
)
def test_a_tracing_setting_that_nothing_can_be_sent_by_is_refused(name, wrong, right, settings):
    from llmconfig import project_settings  # noqa: PLC0415

    setattr(settings, name, wrong)
    (problem,) = project_settings.problems()
    assert problem.startswith(name)
    assert "a-key-alone" not in problem  # a secret
    setattr(settings, name, right)
    assert not project_settings.problems()


@pytest.mark.parametrize(
    ("variable", "raw"),
    [
        ("LLM_METRICS_KEEP_MONTHS", "9999999999999"),
        ("LLM_HISTORY_KEEP_MONTHS", "24400"),
        ("LLM_RESPONSES_KEEP_DAYS", "99999999"),
        ("LLM_DEADLINE_SECONDS", "1e300"),
        ("LLM_IDEMPOTENCY_SECONDS", "1000000000000000000000"),
    ],
)
def test_a_number_that_nothing_can_be_reckoned_with_is_refused(variable, raw):
    definition = next(each for each in process_settings.definitions() if each.variable == variable)
    with pytest.raises(ImproperlyConfigured, match=f"{variable}: .* is above"):
        definition.parse(raw)


@pytest.mark.parametrize(
    ("policy", "arguments", "wanted"),
    [
        ("", [], 0.9),
        ("yaml", [], 0.3),
        ("yaml", ["--take", "db"], 0.9),
        ("", ["--take", "yaml"], 0.3),
    ],
)
@pytest.mark.parametrize("command", ["sync_llm_config", "prepare"])
def test_the_policy_or_the_flag_says_who_wins(policy, arguments, wanted, command, nodes, settings):
    settings.LLM_SYNC_POLICY = policy
    call_command(command, *arguments)
    assert temperature() == wanted


@pytest.mark.parametrize("start", ["server", "worker"])
def test_servers_and_workers_sync_when_they_start_if_they_are_asked_to(start, nodes, settings):
    settings.LLM_SYNC_POLICY = "yaml"
    for asked, wanted in ((False, 0.9), (True, 0.3)):
        settings.LLM_SYNC_AT_START = asked
        starting(start)
        assert temperature() == wanted
    nodes.write_text("greeting: [")
    starting(start)  # it starts all the same
    assert temperature() == 0.3


def starting(what):
    if what == "worker":
        worker_init.send(sender=app)
        return

    async def live():
        steps = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
        said = []

        async def receive():
            return next(steps)

        async def send(message):
            said.append(message["type"])

        await wrap(None)({"type": "lifespan"}, receive, send)
        assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]

    asyncio.run(live())


def test_the_configuration_is_checked_from_code():
    report = llm.validate_config()
    assert not report
    assert "switched off" in report.problems[0]
    assert any("interaction type reasoning: " in each for each in report.problems)
    row = Provider.objects.create(
        name="own", provider_type="custom", api_base_url="http://127.0.0.1:9/v1"
    )
    LLMConfig.objects.create(pk=1, provider=row, enabled=True, model_tagger="m")
    NodeConfiguration.objects.create(
        node_name="greeting", interaction_type="tagger", default_model="own/m"
    )
    snapshot.expire()
    names = {each.name for each in llm.validate_config().findings if each.valid}
    assert {"greeting", "tagger"} <= names


def test_a_setting_follows_its_row_and_the_environment(settings):
    settings.LLM_ENVIRONMENT = {}
    kept, not_kept = {"cache_responses": True}, {"cache_responses": False}
    rows = (kept, not_kept, not_kept, kept)
    found = [process_settings.in_force("LLM_CACHE_ENABLED", row=row) for row in rows]
    assert found == [True, False, False, True]
    settings.LLM_ENVIRONMENT = {"LLM_CACHE_ENABLED": False}
    assert process_settings.in_force("LLM_CACHE_ENABLED", row=kept) is False
