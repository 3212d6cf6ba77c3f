"""What becomes of a finished call's record: the caller collects it, or the recorders get it."""

import asyncio
from collections.abc import Callable

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connections

from llmconfig.client.pipeline.generation import Run
from llmconfig.client.recording import recorders
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import CallRecord, Generation
from llmconfig.errors import GenerationFailed

Collect = Callable[[CallRecord, Texts], None]
Outcome = Generation | GenerationFailed


async def publish(run: Run, collect: Collect | None) -> Outcome:
    """Hand on the record of a run that is over, and give its outcome."""
    record = run.record()
    if collect is not None:
        collect(record, run.texts())
    elif recorders.enabled():
        await sync_to_async(store)(record, run.texts())
    return run.outcome(record)


def publish_abandoned(run: Run, collect: Collect | None) -> None:
    """The same for a run whose caller has left: nobody waits any more, so some thread stores it."""
    if collect is not None:
        collect(run.record(), run.texts())
    elif recorders.enabled():
        asyncio.get_running_loop().run_in_executor(None, _store_alone, run.record(), run.texts())


def store(record: CallRecord, texts: Texts) -> None:
    """Give a record to the recorders, in a thread that no request begins or ends in."""
    close_old_connections()  # nobody else drops its broken ones
    recorders.publish(record, texts)


def _store_alone(record: CallRecord, texts: Texts) -> None:
    try:
        recorders.publish(record, texts)
    finally:
        connections.close_all()  # the thread may never be used again
