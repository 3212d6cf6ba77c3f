"""Where a finished call's record goes: the caller collects it, or the recorders store it."""

import asyncio
from collections.abc import Callable

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connections

from llmconfig.client.pipeline import outcome
from llmconfig.client.pipeline.state import GenerationState
from llmconfig.client.recording import recorders, tracing
from llmconfig.client.recording.provider_names import well_known_name
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.recording.tracing import Traced
from llmconfig.client.types import CallRecord

Collect = Callable[[CallRecord, Texts], None]


def record_of(state: GenerationState) -> CallRecord:
    """The record of a generation that is over, which is also traced; to be asked for once."""
    record = outcome.record_of(state)
    if state.resolution.tracing and tracing.enabled():
        served = state.served
        ended_s = tuple(each.ended - state.started for each in state.attempts)
        answer = served.text if served is not None else ""
        target = state.last.target if state.last is not None else state.resolution.targets[0]
        tracing.submit(
            Traced(
                record,
                ended_s,
                state.call.messages,
                answer,
                provider=well_known_name(target.provider),
                parent=state.call.trace.get("traceparent", ""),
            )
        )
    return record


async def astore(record: CallRecord, texts: Texts) -> None:
    """Give a record to the recorders, in a thread, and wait for them."""
    await sync_to_async(_store)(record, texts)


def store_later(record: CallRecord, texts: Texts) -> None:
    """The same where nobody waits any more: some thread stores it."""
    asyncio.get_running_loop().run_in_executor(None, _store_alone, record, texts)


def publish_abandoned(state: GenerationState, collect: Collect | None) -> None:
    """Hand on the record of a generation whose caller has left."""
    if collect is None and not recorders.enabled():
        return
    record, texts = record_of(state), outcome.texts_of(state)
    if collect is not None:
        collect(record, texts)
    else:
        store_later(record, texts)


def _store(record: CallRecord, texts: Texts) -> None:
    close_old_connections()  # no request begins or ends in this thread, so nobody else drops them
    recorders.publish(record, texts)


def _store_alone(record: CallRecord, texts: Texts) -> None:
    try:
        recorders.publish(record, texts)
    finally:
        connections.close_all()  # the thread may never be used again
