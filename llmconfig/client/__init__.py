"""The one road to providers.

`agenerate` and `generate` take a `records.Call` and return a `records.Generation`. docs/calls.md
says what happens in between.
"""

import asyncio
from collections.abc import Callable

from asgiref.sync import sync_to_async

from llmconfig.client import structured_output
from llmconfig.client.http import background_loop
from llmconfig.client.http.transport import aclose
from llmconfig.client.pipeline import publishing, shadow
from llmconfig.client.pipeline.embeddings import aembed, embed
from llmconfig.client.pipeline.generation import Leaving, Run
from llmconfig.client.pipeline.publishing import Collect, Outcome
from llmconfig.client.pipeline.streaming import astream
from llmconfig.client.recording import recorders
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.sdk.bound_callers import (
    get_embeddings_model,
    get_llm,
    get_llm_for_interaction,
    preload,
)
from llmconfig.client.types import Call, CallRecord, Generation
from llmconfig.configuration import snapshot
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import GenerationFailed

__all__ = [
    "Collect",
    "aclose",
    "aembed",
    "agenerate",
    "astream",
    "embed",
    "generate",
    "get_embeddings_model",
    "get_llm",
    "get_llm_for_interaction",
    "preload",
]


async def agenerate(
    call: Call, *, collect: Collect | None = None, leaving: Leaving | None = None
) -> Generation:
    """Carry out a call and hand its record on, also that of a failed one.

    The record goes to `collect` if given (called on the event loop: it must not block), else to the
    registered recorders before this returns. `leaving` is called before each request, when nothing
    holds it back any more; where it says no, nothing is sent and the call fails as `withdrawn`.

    Raises GenerationFailed's kinds, and what resolution raises: CallsDisabled, UnknownNode,
    NoTarget. A cancelled call leaves a record too.
    """
    outcome, record, texts = await _carry_out(call, await snapshot.acurrent(), collect, leaving)
    if collect is None and recorders.enabled():
        await sync_to_async(publishing.store)(record, texts())
    return _given(outcome)


def generate(call: Call, *, collect: Collect | None = None) -> Generation:
    """The same for synchronous code, over the process's background loop.

    Records are stored in the calling thread. Raises RuntimeError inside an event loop, which it
    would block.
    """
    background_loop.refuse_inside_a_loop()
    outcome, record, texts = background_loop.run(_carry_out(call, snapshot.current(), collect))
    if collect is None and recorders.enabled():
        recorders.publish(record, texts())
    return _given(outcome)


async def _carry_out(
    call: Call,
    configuration: Snapshot,
    collect: Collect | None,
    leaving: Leaving | None = None,
) -> tuple[Outcome, CallRecord, Callable[[], Texts]]:
    await structured_output.prepare(call.schema)
    run = Run(call, configuration, leaving=leaving)
    shadow.ask_beside(run)
    try:
        await run.carry_out()
    except asyncio.CancelledError:
        publishing.publish_abandoned(run, collect)
        raise
    record = run.record()
    if collect is not None:
        collect(record, run.texts())
    return run.outcome(record), record, run.texts


def _given(outcome: Outcome) -> Generation:
    if isinstance(outcome, GenerationFailed):
        raise outcome
    return outcome
