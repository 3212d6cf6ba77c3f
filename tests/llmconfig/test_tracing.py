"""Traces: which calls leave one, what is in it, and that nobody waits for them."""

import base64
import json
import os
import socket
import subprocess
import sys
import time
from typing import Any
from urllib.request import urlopen

import pytest
from django.db import connection
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from llmconfig.client import generate
from llmconfig.client.errors import GenerationRefused
from llmconfig.client.recording import tracing
from llmconfig.client.recording.provider_names import well_known_name
from llmconfig.configuration.facts import ProviderFacts
from llmconfig.secrets import Secret
from tests.llmconfig.conftest import CANARY
from tests.loopback import loopback

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def collector(simulator, settings, make_provider):
    """The simulator's own collector, and a provider to trace calls to."""
    settings.LLM_TRACING_ENDPOINT = f"{simulator.url}/v1/traces"
    settings.LLM_TRACING_HEADERS = Secret("x-api-key=lsv2%2Ckey,Langsmith-Project=dogs")
    settings.LLM_TRACING_CONTENTS = False
    make_provider()
    make_provider("backup", model_id="gpt-4o")
    return simulator


def exports(simulator):
    assert tracing.flush(10)
    with urlopen(f"{simulator.url}/_otlp", timeout=60) as reply:  # noqa: S310 - loopback
        return json.load(reply)


def spans(simulator):
    """All spans that the collector got, by name."""
    found: dict[str, Any] = {}
    for export in exports(simulator)["last"]:
        body = ExportTraceServiceRequest.FromString(base64.b64decode(export["body"]))
        for resource in body.resource_spans:
            for scope in resource.scope_spans:
                found |= {span.name: span for span in scope.spans}
    return found


def attributes(span):
    values = {}
    for each in span.attributes:
        kind = each.value.WhichOneof("value")
        value = getattr(each.value, kind)
        values[each.key] = (
            [item.string_value for item in value.values] if kind == "array_value" else value
        )
    return values


def test_a_call_of_a_traced_node_is_a_span_with_the_facts_of_its_record(collector, make_node, ask):
    make_node("sim/gpt-4o-mini", langsmith_tracing=True)
    record = generate(ask("A secret prompt about a dog.")).record
    span = spans(collector)["chat gpt-4o-mini"]
    told = attributes(span)
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.request.model"] == "gpt-4o-mini"
    assert told["gen_ai.usage.input_tokens"] == record.usage.tokens_input
    assert told["gen_ai.usage.output_tokens"] == record.usage.tokens_output
    assert told["gen_ai.response.finish_reasons"] == ["stop"]
    assert told["langsmith.span.kind"] == "llm"
    assert told["langsmith.metadata.node"] == "tag_rows"
    assert told["langsmith.metadata.correlation_id"] == str(record.correlation_id)
    assert span.start_time_unix_nano == pytest.approx(record.created_at.timestamp() * 1e9, abs=1e3)
    assert span.end_time_unix_nano - span.start_time_unix_nano == pytest.approx(
        record.latency_ms * 1e6, rel=0.01
    )
    assert "secret prompt" not in str(told)


def test_headers_reach_the_collector_and_are_never_printed(collector, make_node, ask, settings):
    make_node("sim/gpt-4o-mini", langsmith_tracing=True)
    generate(ask())
    headers = {k.lower(): v for k, v in exports(collector)["last"][0]["headers"].items()}
    assert headers["x-api-key"] == "lsv2,key"
    assert headers["langsmith-project"] == "dogs"
    assert "lsv2" not in repr(settings.LLM_TRACING_HEADERS)


def test_each_attempt_is_a_child_in_its_own_time(collector, make_node, ask):
    make_node("sim/gpt-4o-mini", "backup/gpt-4o", langsmith_tracing=True)
    collector.fail_first(3, status=500)
    generate(ask())
    found = spans(collector)
    whole = found.pop("chat gpt-4o")
    assert sorted(found) == [
        "attempt 1 sim/gpt-4o-mini",
        "attempt 2 sim/gpt-4o-mini",
        "attempt 3 sim/gpt-4o-mini",
        "attempt 4 backup/gpt-4o",
    ]
    ends = whole.start_time_unix_nano
    for _, child in sorted(found.items()):
        assert child.parent_span_id == whole.span_id
        assert child.trace_id == whole.trace_id
        assert ends <= child.start_time_unix_nano + 1e6
        ends = child.end_time_unix_nano
    assert ends <= whole.end_time_unix_nano + 1e6
    failed = attributes(found["attempt 1 sim/gpt-4o-mini"])
    assert (failed["error.type"], failed["http.response.status_code"]) == ("http_500", 500)
    assert failed["langsmith.metadata.moved_on"] == "retry"
    # What bears a model or usage counts as a generation of its own elsewhere.
    for child in found.values():
        assert not [name for name in attributes(child) if name.startswith("gen_ai.")]
        assert attributes(child)["langfuse.observation.type"] == "span"
    assert attributes(whole)["langfuse.observation.type"] == "generation"
    assert whole.status.code == 0


def test_a_failed_call_is_a_span_with_an_error(collector, make_node, ask):
    make_node("sim/gpt-4o-mini", langsmith_tracing=True)
    collector.fail(status=400)
    with pytest.raises(GenerationRefused):
        generate(ask())
    span = spans(collector)["chat gpt-4o-mini"]
    assert attributes(span)["error.type"] == "http_400"
    assert span.status.code == 2


def test_texts_are_traced_only_under_their_own_switch(collector, make_node, ask, settings):
    settings.LLM_TRACING_CONTENTS = True
    make_node("sim/gpt-4o-mini", langsmith_tracing=True)
    answer = generate(ask("Describe\ud800 a dog. " + "x" * 30_000)).text
    told = attributes(spans(collector)["chat gpt-4o-mini"])
    assert told["gen_ai.prompt.0.role"] == "user"
    assert told["gen_ai.prompt.0.content"].startswith("Describe? a dog.")
    assert len(told["gen_ai.prompt.0.content"]) == tracing.MAX_TEXT_LENGTH
    assert told["gen_ai.completion.0.content"] == answer
    said = json.loads(told["gen_ai.output.messages"])[0]
    assert said == {
        "role": "assistant",
        "parts": [{"type": "text", "content": answer}],
        "finish_reason": "stop",
    }
    assert json.loads(told["gen_ai.input.messages"])[0]["role"] == "user"


def test_a_callers_trace_goes_on(collector, make_node, ask):
    make_node("sim/gpt-4o-mini", langsmith_tracing=True)
    trace_id, span_id = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    generate(ask(trace={"traceparent": f"00-{trace_id}-{span_id}-01"}))
    span = spans(collector)["chat gpt-4o-mini"]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (trace_id, span_id)


@pytest.mark.parametrize(
    ("kind", "address", "name"),
    [
        ("openai", "", "openai"),
        ("azure_openai", "https://x.openai.azure.com", "azure.ai.openai"),
        ("custom", "https://api.groq.com/openai/v1", "groq"),
        ("custom", "https://api.mistral.ai/v1", "mistral_ai"),
        ("custom", "http://localhost:8000/v1", "mine"),
        ("openrouter", "https://openrouter.ai/api/v1", "mine"),
    ],
)
def test_providers_have_opentelemetrys_names(kind, address, name):
    facts = ProviderFacts("mine", kind, address, "", "", "", "", 1.0, 0, 1, True)
    assert well_known_name(facts) == name


def test_other_nodes_leave_no_trace_whatever_the_environment_says(
    collector, make_node, ask, monkeypatch
):
    for name, value in (
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url),
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("LANGSMITH_TRACING", "true"),
        ("LANGSMITH_ENDPOINT", collector.url),
        ("LANGSMITH_API_KEY", "lsv2-ambient"),
        ("LANGCHAIN_TRACING_V2", "true"),
    ):
        monkeypatch.setenv(name, value)
    make_node("sim/gpt-4o-mini")
    generate(ask())
    generate(ask(node="sim/gpt-4o-mini"))
    assert exports(collector)["received"] == 0


def test_ambient_headers_are_not_sent_along(collector, make_node, ask, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=for-another-collector")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=secret-project")
    make_node("sim/gpt-4o-mini", langsmith_tracing=True)
    generate(ask())
    assert "for-another-collector" not in json.dumps(exports(collector))
    export = base64.b64decode(exports(collector)["last"][0]["body"])
    assert b"secret-project" not in export


def test_without_an_address_nothing_is_traced(collector, make_node, ask, settings):
    settings.LLM_TRACING_ENDPOINT = ""
    make_node("sim/gpt-4o-mini", langsmith_tracing=True)
    generate(ask())
    assert exports(collector)["received"] == 0


def test_no_library_finds_our_tracer_provider(collector, make_node, ask):
    make_node("sim/gpt-4o-mini", langsmith_tracing=True)
    generate(ask())
    assert spans(collector)
    assert not trace.get_tracer("some library").start_span("theirs").is_recording()


def test_a_dead_collector_slows_no_call_and_costs_no_memory(
    collector, make_node, ask, settings, caplog
):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)  # takes connections and never answers
        settings.LLM_TRACING_ENDPOINT = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces"
        make_node("sim/gpt-4o-mini", langsmith_tracing=True)
        record = generate(ask()).record
        exporter = tracing._exporters.get()
        traced = tracing.Traced(record, (0.0,), (), "")
        began = time.perf_counter()
        for _ in range(5000):
            tracing.submit(traced)
        assert time.perf_counter() - began < tracing.SEND_SECONDS / 2
        assert exporter.waiting.qsize() <= tracing.MAX_WAITING
        assert exporter.dropped >= 5000 - tracing.MAX_WAITING - tracing.MAX_AT_ONCE - 1
        assert not tracing.flush(0.1)
        while not exporter.waiting.empty():  # drop them, for the tests that follow
            exporter.waiting.get_nowait()
            exporter.waiting.task_done()
    assert tracing.flush(10)
    assert "traces dropped" in caplog.text


ONE_CALL = """
import django
django.setup()
from llmconfig.client import generate
from llmconfig.client.types import Call
generate(Call(node="tag_rows", messages=[{"role": "user", "content": "Name one dog."}]))
"""


def test_traces_are_sent_before_a_process_ends(collector, make_node, settings):
    make_node("sim/gpt-4o-mini", langsmith_tracing=True)
    here = connection.settings_dict
    database = f"{here['USER']}:{here['PASSWORD']}@{here['HOST']}:{here['PORT']}/{here['NAME']}"
    done = subprocess.run(
        [sys.executable, "-c", ONE_CALL],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DATABASE_URL": f"postgres://{database}",
            "LLM_TRACING_ENDPOINT": settings.LLM_TRACING_ENDPOINT,
            "LLM_EGRESS_ALLOW": "127.0.0.1",
        },
        capture_output=True,
        check=False,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert "chat gpt-4o-mini" in spans(collector)


def test_a_key_that_a_provider_echoes_is_in_no_span(collector, make_node, ask, settings):
    settings.LLM_TRACING_CONTENTS = True
    make_node("sim/gpt-4o-mini", langsmith_tracing=True)
    collector.fail(status=401, message=f"Incorrect API key provided: {CANARY}")
    with pytest.raises(GenerationRefused):
        generate(ask())
    for export in exports(collector)["last"]:
        body = base64.b64decode(export["body"])
        assert b"attempt 1" in body
        assert CANARY[:8].encode() not in body


@pytest.mark.parametrize(("status", "received"), [(429, 2), (503, 2), (400, 1)])
def test_a_busy_receiver_is_asked_again_within_bounds(
    collector, make_node, ask, settings, status, received
):
    got = []

    def answer(body):
        got.append(body)
        return (status, {}) if len(got) == 1 else (200, {})

    with loopback(answer, reads=bytes) as receiver:
        settings.LLM_TRACING_ENDPOINT = receiver.url
        make_node("sim/gpt-4o-mini", langsmith_tracing=True)
        generate(ask())
        assert tracing.flush(10)
    assert len(got) == received
    assert len(set(got)) == 1
