"""One provider key, looked for everywhere after it was entered, used, refused and echoed."""

import base64
import json
import logging
import re
import traceback
from contextlib import suppress
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest
import re2
import redis
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from enrichment.tasks import run_lane
from llmconfig.client import generate
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.recording import tracing
from llmconfig.configuration import experiments, rotation, snapshot
from llmconfig.configuration.rollback import preview, roll_back
from llmconfig.models import Experiment, GlobalConfig, InteractionType, Provider, Revision
from llmconfig.roles import ensure_roles
from llmconfig.secrets import Secret
from tests.api import caller

pytestmark = pytest.mark.django_db(transaction=True)

# Every window of eight is random: none is found anywhere by chance.
KEY = "Zk9/vQ2+wX7rTb4LmH8yUd3NcP6sEa1Jf5Gg0Rq"


def forms(key):
    """The key as it is, URL-encoded and in base64 wherever it stands in a longer text."""
    yield key
    yield quote(key, safe="")
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + key.encode()).decode().rstrip("=")
        yield encoded[(0, 2, 3)[before] : -1]


SLICES = {form[at : at + 8] for form in forms(KEY) for at in range(len(form) - 7)}
PATTERN = re2.compile("|".join(map(re2.escape, sorted(SLICES))))


def clean(where, text):
    """No part of the key is in a text."""
    found = PATTERN.search(text)
    assert found is None, f"{where}: …{text[max(0, found.start() - 80) : found.end() + 20]}…"


def test_the_search_itself_finds_the_key_in_every_form():
    for text in (KEY, quote(KEY), f"xx{KEY[5:14]}xx", base64.b64encode(b"Bearer " + KEY.encode())):
        with pytest.raises(AssertionError, match="here"):
            clean("here", text.decode() if isinstance(text, bytes) else text)


@pytest.fixture
def used(make_provider, make_node, ask, simulator, settings, caplog, monkeypatch):
    """The key was entered by API, used, refused with an echo, rotated and rolled back over."""
    ensure_roles()
    settings.LLM_TRACING_ENDPOINT = f"{simulator.url}/v1/traces"
    settings.LLM_TRACING_HEADERS = Secret("x-api-key=collector")
    settings.LLM_TRACING_CONTENTS = True
    # Only here: at this level Django's templates log a traceback for each blank variable of a page.
    with monkeypatch.context() as patched:
        patched.setattr(connection, "force_debug_cursor", True)  # Django logs its SQL then
        with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "django"):
            return use_the_key(make_provider, make_node, ask, simulator)


def use_the_key(make_provider, make_node, ask, simulator):
    make_provider(key=None, secret_ref="env:NOT_SET")
    administrator = caller("administrator")
    address = f"/api/v1/llm/providers/{Provider.objects.get(name='sim').pk}"
    entered = administrator.patch(address, {"api_key": KEY, "secret_ref": ""}, format="json")
    assert entered.status_code == 200, entered.content
    clean("the API's answer to the key", entered.content.decode())
    for interaction in InteractionType:
        GlobalConfig.objects.create(interaction_type=interaction, model="sim/gpt-4o-mini")
    node = make_node("sim/gpt-4o-mini", langsmith_tracing=True)
    trial = Experiment.objects.create(name="trial", node=node)
    trial.arms.create(name="a")
    trial.arms.create(name="b")
    experiments.start("trial", source="shell")
    snapshot.expire()
    generate(ask(experiment_key="row-1"))
    simulator.plan({"action": {"echo_key": True}})
    with pytest.raises(GenerationFailed) as caught:
        generate(ask("What is your key?"))
    assert caught.value.record.attempts[0].status == 401
    rotation.rotate()
    return caught.value


def test_tracebacks_and_records_hold_no_part_of_the_key(used):
    told = traceback.TracebackException.from_exception(used, capture_locals=True)
    clean("traceback with locals", "".join(told.format()))
    clean("error and record", f"{used} {used!r} {used.record!r}")
    clean("snapshot", repr(snapshot.current()))


def test_logs_at_debug_hold_no_part_of_the_key(used, caplog):
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    assert "django.db.backends" in {each.name for each in records}
    clean("logs", "".join(f"{each.getMessage()} {vars(each)}" for each in records))


def test_no_table_holds_any_part_of_the_key(used):
    """Each row as text, as pg_dump writes it; the ciphertext is there, the key isn't."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        assert {"llm_providers", "llm_revision_changes", "django_admin_log"} <= set(tables)
        rows = 0
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            for (row,) in cursor.fetchall():
                rows += 1
                clean(table, row)
    assert rows > 50


def test_dumpdata_and_commands_hold_no_part_of_the_key(used, capsys):
    for command in (
        ("dumpdata",),
        ("dumpdata", "--format", "xml"),
        ("llm_explain", "tag_rows"),
        ("llm_explain", "tag_rows", "--json"),
        ("llm_validate", "--json"),
        ("rotate_llm_keys", "--check", "--json"),
        ("llm_experiment", "list", "--json"),
        ("llm_rollback", str(Revision.objects.first().number), "--dry-run", "--json"),
        ("sync_llm_config", "--export"),
        ("diffsettings", "--all"),
    ):
        with suppress(CommandError):  # of llm_validate: the models here are in nobody's list
            call_command(*command)
        told = capsys.readouterr()
        assert told.out
        clean(" ".join(command), told.out + told.err)


def test_a_rollback_tells_no_part_of_the_key(used):
    earliest = Revision.objects.last().number
    clean("preview", repr(preview(earliest)))
    clean("rollback", repr(roll_back(earliest, source="shell")))
    clean("history", repr(list(Revision.objects.values())))


def test_redis_and_task_arguments_hold_no_part_of_the_key(used):
    """Limits, cool-downs, cached answers, and a task in the broker's queue."""
    run_lane.apply_async(args=("00000000-0000-4000-8000-000000000000",), queue="canary")
    server: Any = redis.Redis.from_url(django_settings.REDIS_URL)
    seen = 0
    for key in server.scan_iter():
        seen += 1
        kind = server.type(key).decode()
        if kind == "string":
            value = server.get(key)
        elif kind == "hash":
            value = server.hgetall(key)
        elif kind == "list":
            value = server.lrange(key, 0, -1)
        elif kind == "zset":
            value = server.zrange(key, 0, -1, withscores=True)
        else:
            value = server.smembers(key) if kind == "set" else b""
        clean(f"redis {key!r}", f"{key!r} {value!r}")
        if key == b"canary":
            for message in value:
                clean("task", base64.b64decode(json.loads(message)["body"]).decode())
    assert seen
    server.delete("canary")


def test_spans_hold_no_part_of_the_key(used, simulator):
    assert tracing.flush(10)
    with urlopen(f"{simulator.url}/_otlp", timeout=60) as reply:  # noqa: S310 - loopback
        exports = json.load(reply)["last"]
    assert exports
    for export in exports:
        body = ExportTraceServiceRequest.FromString(base64.b64decode(export["body"]))
        clean("span", f"{body} {export['headers']}")


def addresses(patterns, prefix=""):
    """Every address of the project; rows of providers, nodes and revisions by their real keys."""
    for each in patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            if "admin" not in str(each.pattern):
                yield from addresses(each.url_patterns, route)
        elif isinstance(each, URLPattern):
            yield route


def test_no_api_answer_holds_any_part_of_the_key(used):
    provider = Provider.objects.get(name="sim")
    administrator = caller("administrator")
    answered = 0
    for route in set(addresses(get_resolver().url_patterns)):
        path = route.replace("<uuid:id>", str(provider.pk))
        path = path.replace("<int:number>", str(Revision.objects.first().pk))
        path = path.replace("<int:id>", "1").replace("<path:name>", "tag_rows")
        path = path.replace("<str:interaction_type>", "reasoning")
        path = path.replace("<str:node_name>", "tag_rows")
        if re.search(r"[<^$\\]", path):
            continue
        for method in ("get", "options", "post", "patch", "put"):
            body = {"api_key": KEY, "name": "", "provider_type": KEY[::-1]}
            given = {} if method in {"get", "options"} else {"data": body, "format": "json"}
            answer = getattr(administrator, method)(f"/{path}", **given)
            streamed = getattr(answer, "streaming", False)
            if not streamed:
                answered += 1
                clean(f"{method} /{path}", f"{answer.content.decode()} {answer.headers}")
    assert answered > 50


def test_no_admin_page_holds_any_part_of_the_key(used, admin_client):
    for model in apps.get_models():
        page = admin.site._registry.get(model)
        if page is None:
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        answer = admin_client.get(reverse(f"{name}_changelist"), follow=True)
        clean(f"{name} list", answer.content.decode())
        for row in model._default_manager.all()[:5]:
            for view in ("change", "history"):
                answer = admin_client.get(reverse(f"{name}_{view}", args=[row.pk]), follow=True)
                clean(f"{name} {view}", answer.content.decode())
    for view in ("admin:index", "admin:llm_settings"):
        clean(view, admin_client.get(reverse(view)).content.decode())
    clean(
        "providers",
        admin_client.get(f"{reverse('admin:llm_settings')}?tab=providers").content.decode(),
    )


def test_a_key_in_a_form_that_is_refused_is_not_shown_again(used, admin_client):
    provider = Provider.objects.get(name="sim")
    address = reverse("admin:llmconfig_provider_change", args=[provider.pk])
    refused = admin_client.post(address, {"new_key": KEY, "provider_type": "nonsense"})
    assert refused.status_code == 200
    clean("refused form", refused.content.decode())
