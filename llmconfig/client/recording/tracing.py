"""Traces of the calls of nodes that ask for it, as OpenTelemetry spans to one OTLP address.

LangSmith, Langfuse and every collector take them. One span a call, with a child for each attempt;
prompts and answers only under LLM_TRACING_CONTENTS. Nothing here is global: neither a tracer
provider that other libraries would find, nor the OTEL_* and LANGSMITH_* variables. A thread of its
own builds and sends the spans; what it can't keep up with is dropped and counted.
"""

import atexit
import json
import logging
import queue
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from msgspec import Struct
from yarl import URL

from llmconfig import project_settings
from llmconfig.client.http import background_loop, transport
from llmconfig.client.http.retry_after import retry_after
from llmconfig.client.http.transport import RequestFailed
from llmconfig.client.types import Attempt, CallRecord, Message
from llmconfig.extras import from_extra
from llmconfig.models import InteractionType
from llmconfig.runtime.per_process import PerProcess

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Tracer

logger = logging.getLogger(__name__)

MAX_WAITING = 2048
MAX_AT_ONCE = 256
GATHER_SECONDS = 1.0
SEND_SECONDS = 5.0
ENDING_SECONDS = 2.0
# What OTLP's receivers say to what may be sent again: https://opentelemetry.io/docs/specs/otlp/
AGAIN = frozenset({429, 502, 503, 504})
FIRST_PAUSE_SECONDS = 0.5
MAX_TRYING_SECONDS = 10.0
WARN_EVERY_SECONDS = 60.0
MAX_TEXT_LENGTH = 20_000  # characters of one message
MAX_MESSAGES = 50


class Traced(Struct, frozen=True):
    """A finished call; `ended_s` are the ends of its attempts in seconds after its start.

    `provider` is OpenTelemetry's name for the provider, `parent` the caller's `traceparent`.
    """

    record: CallRecord
    ended_s: tuple[float, ...]
    messages: Sequence[Message]
    answer: str
    provider: str = ""
    parent: str = ""


def enabled() -> bool:
    """Whether there is an address to send traces to."""
    return bool(project_settings.tracing_endpoint())


def submit(traced: Traced) -> None:
    """Have a call traced; returns at once, from any thread or event loop."""
    _exporters.get().submit(traced)


def flush(seconds: float = ENDING_SECONDS) -> bool:
    """Wait for what was offered to be sent, at most so long; False if it wasn't."""
    held = _exporters.find()
    return held is None or held.flush(seconds)


class _Exporter:
    """A bounded queue, and the thread that empties it."""

    def __init__(self) -> None:
        self.waiting: queue.Queue[Traced] = queue.Queue(MAX_WAITING)
        self.dropped = 0
        self.warned_at = -WARN_EVERY_SECONDS
        self.hurry = threading.Event()
        self.tracer: _Tracer | None = None
        threading.Thread(target=self._serve, name="llm-traces", daemon=True).start()

    def submit(self, traced: Traced) -> None:
        try:
            self.waiting.put_nowait(traced)
        except queue.Full:
            self.dropped += 1

    def flush(self, seconds: float) -> bool:
        self.hurry.set()
        done = self.waiting.all_tasks_done
        with done:
            sent = done.wait_for(lambda: not self.waiting.unfinished_tasks, seconds)
        self.hurry.clear()
        return sent

    def _serve(self) -> None:
        while True:
            batch = [self.waiting.get()]
            self.hurry.wait(GATHER_SECONDS)
            while len(batch) < MAX_AT_ONCE and not self.waiting.empty():
                batch.append(self.waiting.get())
            try:
                self._send(batch)
            except Exception:
                logger.exception("Traces could not be sent.")
            for _ in batch:
                self.waiting.task_done()

    def _send(self, batch: list[Traced]) -> None:
        if not enabled():  # switched off since they were offered
            return
        self.tracer = self.tracer or _Tracer()
        why = _post(self.tracer.encoded(batch))
        if why:
            self.dropped += len(batch)
        if self.dropped and time.monotonic() - self.warned_at >= WARN_EVERY_SECONDS:
            self.warned_at = time.monotonic()
            logger.warning(
                "%s traces dropped: %s", self.dropped, why or "more came than could be sent"
            )
            self.dropped = 0


def _started() -> _Exporter:
    # The loop's own end is registered first, so that it comes after the flush.
    background_loop.call_soon(int)
    started = _Exporter()
    atexit.register(flush)
    return started


_exporters = PerProcess(_started)


def headers_of(text: str) -> dict[str, str]:
    """`name=value,name=value`, values URL-encoded where they need it, as OTLP has them."""
    pairs = (each.partition("=") for each in text.split(",") if each.strip())
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}


def _post(body: bytes) -> str:
    """Send one export, again where its receiver asks for that; gives why it failed, if it did."""
    ends = time.monotonic() + MAX_TRYING_SECONDS
    pause = FIRST_PAUSE_SECONDS
    while True:
        why, again_in_s = _post_once(body)
        if again_in_s is None:
            return why
        wait = max(again_in_s, pause)
        if time.monotonic() + wait > ends:
            return why
        time.sleep(wait)
        pause *= 2


def _post_once(body: bytes) -> tuple[str, float | None]:
    """Why it failed, blank if it didn't, and in how many seconds another try makes sense."""
    headers = headers_of(project_settings.tracing_headers())
    headers["Content-Type"] = "application/x-protobuf"
    try:
        url = URL(project_settings.tracing_endpoint())
        sent = transport.post(url, headers=headers, body=body, timeout_s=SEND_SECONDS, private=True)
        reply = background_loop.submit(sent).result(SEND_SECONDS + 1)
    except RequestFailed as failure:
        return failure.detail, None
    except TimeoutError:
        return f"no answer within {SEND_SECONDS:g} s", None
    except ValueError:
        return "LLM_TRACING_ENDPOINT or LLM_TRACING_HEADERS can't be read", None
    if reply.status < 300:
        return "", None
    why = f"LLM_TRACING_ENDPOINT answers {reply.status}"
    asked = retry_after(reply.headers) or 0.0
    return why, asked if reply.status in AGAIN else None


class _Tracer:
    """Makes spans with a tracer provider that nobody else can find. Its imports take 0.1 s."""

    def __init__(self) -> None:
        with from_extra("tracing"):
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - late, see above
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415

        self.finished: list[ReadableSpan] = []
        provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource({"service.name": "nodewise"}),
            shutdown_on_exit=False,
        )
        provider.add_span_processor(_Finished(self.finished))  # type: ignore[arg-type]  # by its methods
        self.tracer: Tracer = provider.get_tracer("nodewise")

    def encoded(self, batch: list[Traced]) -> bytes:
        """The calls' spans as one OTLP export."""
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import (  # noqa: PLC0415
            encode_spans,
        )

        for each in batch:
            self._span(each)
        spans, self.finished[:] = list(self.finished), []
        body: bytes = encode_spans(spans).SerializeToString()
        return body

    def _span(self, traced: Traced) -> None:
        from opentelemetry.context import Context  # noqa: PLC0415
        from opentelemetry.trace import SpanKind, set_span_in_context  # noqa: PLC0415

        record = traced.record
        began = int(record.created_at.timestamp() * 1e9)
        whole = self.tracer.start_span(
            f"{_operation(record)} {record.model}",
            context=_context(traced.parent),
            kind=SpanKind.CLIENT,
            attributes=_attributes(traced),
            start_time=began,
        )
        for number, (attempt, ended_s) in enumerate(
            zip(record.attempts, traced.ended_s, strict=False), start=1
        ):
            ended = began + int(ended_s * 1e9)
            child = self.tracer.start_span(
                f"attempt {number} {attempt.provider}/{attempt.model}",
                context=set_span_in_context(whole, Context()),
                kind=SpanKind.CLIENT,
                attributes=_attempt_attributes(attempt),
                start_time=ended - int(attempt.latency_ms * 1e6),
            )
            _close(child, "" if attempt.outcome in {"ok", "cached"} else attempt.outcome, ended)
        _close(whole, record.error_code, began + int(record.latency_ms * 1e6))


def _context(parent: str) -> Any:
    """Below the caller's span, if it named one; else of its own, not below the application's."""
    from opentelemetry.context import Context  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
        TraceContextTextMapPropagator,
    )

    if not parent:
        return Context()
    return TraceContextTextMapPropagator().extract({"traceparent": parent}, Context())


class _Finished:
    """A span processor that only keeps what has ended."""

    def __init__(self, finished: "list[ReadableSpan]") -> None:
        self.finished = finished

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """Nothing yet."""

    def _on_ending(self, span: Any) -> None:
        """Nothing to add."""

    def on_end(self, span: "ReadableSpan") -> None:
        """Keep it."""
        self.finished.append(span)

    def shutdown(self) -> None:
        """Nothing is held open."""

    def force_flush(self, timeout_millis: int = 0) -> bool:
        """Nothing is held back."""
        return True


def _close(span: Any, error: str, ended: int) -> None:
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415

    if error:
        span.set_attribute("error.type", error)
        span.set_status(Status(StatusCode.ERROR, error))
    span.end(end_time=ended)


def _operation(record: CallRecord) -> str:
    return "embeddings" if _embeds(record) else "chat"


def _embeds(record: CallRecord) -> bool:
    return record.interaction_type == InteractionType.EMBEDDINGS


def _attributes(traced: Traced) -> dict[str, Any]:
    record, labels = traced.record, traced.record.labels
    told: dict[str, Any] = {
        "gen_ai.operation.name": _operation(record),
        "gen_ai.provider.name": traced.provider or record.provider,
        "gen_ai.system": traced.provider or record.provider,
        "gen_ai.request.model": record.model,
        "gen_ai.response.model": record.model,
        "gen_ai.usage.input_tokens": record.usage.tokens_input,
        "gen_ai.usage.output_tokens": record.usage.tokens_output,
        "gen_ai.usage.cache_read.input_tokens": record.usage.cached_input,
        "gen_ai.usage.cache_creation.input_tokens": record.usage.cache_write,
        "gen_ai.usage.reasoning.output_tokens": record.usage.reasoning,
        "langfuse.observation.type": "embedding" if _embeds(record) else "generation",
        "nodewise.provider": record.provider,
        "langsmith.span.kind": "llm",
        "langsmith.trace.name": record.node,
        "langsmith.metadata.node": record.node,
        "langsmith.metadata.interaction_type": record.interaction_type,
        "langsmith.metadata.service": labels.service_name,
        "langsmith.metadata.operation": labels.operation_type,
        "langsmith.metadata.correlation_id": str(record.correlation_id),
        "langsmith.metadata.config_revision": record.config_revision,
        "langsmith.metadata.attempts": len(record.attempts),
    }
    if record.finish_reason is not None:
        told["gen_ai.response.finish_reasons"] = [record.finish_reason]
    if record.cost_usd is not None:
        told["gen_ai.usage.cost"] = float(record.cost_usd)
    if labels.session_id is not None:
        told["gen_ai.conversation.id"] = str(labels.session_id)
        told["langsmith.metadata.session_id"] = str(labels.session_id)
    if record.experiment:
        told["langsmith.metadata.experiment"] = record.experiment
        told["langsmith.metadata.experiment_arm"] = record.experiment_arm
    return told | _contents(traced) if project_settings.tracing_contents() else told


def _attempt_attributes(attempt: Attempt) -> dict[str, Any]:
    """Under names of our own: what bears a model and usage counts as a generation elsewhere."""
    told: dict[str, Any] = {
        "nodewise.provider": attempt.provider,
        "nodewise.model": attempt.model,
        "nodewise.tokens_input": attempt.usage.tokens_input,
        "nodewise.tokens_output": attempt.usage.tokens_output,
        "langfuse.observation.type": "span",
        "langsmith.span.kind": "chain",
        "langsmith.metadata.outcome": attempt.outcome,
        "langsmith.metadata.moved_on": attempt.moved_on,
    }
    if attempt.status is not None:
        told["http.response.status_code"] = attempt.status
    return told


def _contents(traced: Traced) -> dict[str, str]:
    """In the conventions' present form, and in the flat one that older receivers read."""
    told, asked = {}, []
    for number, message in enumerate(list(traced.messages)[:MAX_MESSAGES]):
        content = message.get("content")
        text = content if isinstance(content, str) else json.dumps(content, default=str)
        role = str(message.get("role", ""))
        told[f"gen_ai.prompt.{number}.role"] = role
        told[f"gen_ai.prompt.{number}.content"] = _sendable(text)
        asked.append(_said(role, _sendable(text)))
    answer, reason = _sendable(traced.answer), traced.record.finish_reason
    told["gen_ai.completion.0.role"] = "assistant"
    told["gen_ai.completion.0.content"] = answer
    told["gen_ai.input.messages"] = json.dumps(asked, ensure_ascii=False)
    answered = [_said("assistant", answer) | {"finish_reason": reason or "error"}]
    told["gen_ai.output.messages"] = json.dumps(answered, ensure_ascii=False)
    return told


def _said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _sendable(text: str) -> str:
    """Cut to size, without the lone surrogates that UTF-8 has no bytes for."""
    return text[:MAX_TEXT_LENGTH].encode("utf-8", "replace").decode()
