"""The calls that applications make, and the life cycle that all of them share.

A call's state is made (which resolves it), its targets are asked in turn, a shadow experiment's arm
is asked too, the record is published, and the answer returned or the error raised. docs/calls.md
says what happens in between.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from llmconfig.client import structured_output
from llmconfig.client.http import background_loop
from llmconfig.client.pipeline import (
    cascades,
    embeddings,
    generation,
    outcome,
    publishing,
    shadow,
    token_counts,
)
from llmconfig.client.pipeline.embeddings import Embedding, EmbeddingCall, Embeddings
from llmconfig.client.pipeline.holdup import CallWatch
from llmconfig.client.pipeline.outcome import Outcome
from llmconfig.client.pipeline.publishing import Collect
from llmconfig.client.pipeline.state import BeforeSend, GenerationState, Pause, Settling
from llmconfig.client.pipeline.strategy import CHAT, SEVERAL, Strategy
from llmconfig.client.pipeline.streaming import PassOn, Streaming, as_deltas
from llmconfig.client.pipeline.token_counts import TokenCount
from llmconfig.client.recording import recorders
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Call, CallRecord, Delta, Generation
from llmconfig.client.wire import Input
from llmconfig.configuration import in_force, snapshot
from llmconfig.configuration.facts import CascadeFacts
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import LLMError
from llmconfig.runtime.records import replace

Follow = Callable[[CallWatch], None]  # gets a call that begins
# Pieces of a stream that wait for a slow consumer; with more, the provider has to wait.
MAX_WAITING = 64
# Requests for vectors that one call has in flight.
MAX_EMBEDDINGS_IN_FLIGHT = 4


async def agenerate(
    call: Call,
    *,
    collect: Collect | None = None,
    before_send: BeforeSend | None = None,
    follow: Follow | None = None,
    pause: Pause = asyncio.sleep,
    settling: Settling | None = None,
) -> Generation:
    """Carry out a call and hand its record on, also that of a failed one.

    The record goes to `collect` if given (called on the event loop: it must not block), else to the
    registered recorders before this returns. `before_send` is called before each request, when
    budgets and limits have let it go; where it returns False, nothing is sent and the call fails
    with the code `aborted`. `follow` gets an object that tells, on this event loop, what the
    call waits for. `pause` sleeps the seconds between a failed request and the next one. `settling`
    may get a future: then the call hasn't waited until its cost stands in the budgets' ledger, and
    whoever called waits for that, which takes a tenth of a second, before giving the answer away.

    Raises GenerationFailed's kinds and BudgetExceeded, and what resolution raises: CallsDisabled,
    UnknownNode, NoTarget. A cancelled call leaves a record too.
    """
    if call.schema is not None:
        await structured_output.prepare(call.schema)
    configuration = snapshot.fresh() or await in_force.acurrent()
    if call.cascades and (steered := cascades.of_call(call, configuration)) is not None:
        return await _cascaded(call, *steered, collect, follow)
    state = GenerationState(
        call, configuration, before_send=before_send, pause=pause, settling=settling
    )
    if follow is not None:
        follow(CallWatch(state))
    ended = await _live(state, CHAT if call.choices == 1 else SEVERAL, collect)
    return ended.answer() if ended.unpublished is None else await ended.published()


def generate(call: Call, *, collect: Collect | None = None) -> Generation:
    """The same for synchronous code, over the process's background loop.

    Records are stored in the calling thread. Raises RuntimeError inside an event loop, which it
    would block.
    """
    background_loop.refuse_inside_a_loop()
    configuration = in_force.current()
    if call.cascades and cascades.of_call(call, configuration) is not None:
        return background_loop.run(agenerate(call, collect=collect))
    ended = background_loop.run(_begin(call, configuration, collect))
    if ended.unpublished is not None:
        recorders.publish(*ended.unpublished)
    return ended.answer()


def astream(
    call: Call, *, collect: Collect | None = None, follow: Follow | None = None
) -> AsyncGenerator[Delta | Generation]:
    """Give an answer's pieces as they come, and at last the Generation with its record.

    Raises what `agenerate` raises, also after some pieces. Closing it early hangs up on the
    provider. In each case there is one record, which counts what is known by then.
    """
    return _pieces(call, None, collect, follow)


async def astream_to(
    give: PassOn, call: Call, *, collect: Collect | None = None, follow: Follow | None = None
) -> Generation:
    """The same for who takes each piece at once: `give` is awaited with it, in this task.

    The provider waits where `give` does. Returns the Generation after the last piece.
    """
    await structured_output.prepare(call.schema)
    state = GenerationState(call, await in_force.acurrent())
    if follow is not None:
        follow(CallWatch(state))
    ended = await _live(state, Streaming(state, give), collect)
    whole = ended.outcome
    if isinstance(whole, Generation) and not state.committed:  # it didn't come as a stream
        for delta in as_deltas(whole):
            await give(delta)
    return await ended.published()


def stream(call: Call, *, collect: Collect | None = None) -> Generator[Delta | Generation]:
    """The same for synchronous code, over the process's background loop.

    The record is stored in the calling thread. Raises RuntimeError inside an event loop.
    """
    background_loop.refuse_inside_a_loop("stream")
    return _pieces_here(call, in_force.current(), collect)


async def aembed(call: EmbeddingCall, *, collect: Collect | None = None) -> Embeddings:
    """Embed the inputs, in as many requests as they need; no input, no request.

    All vectors come from one model: the first request chooses among the targets, the others go
    where it went, because vectors of different models can't be compared.

    Raises what `agenerate` raises; the first failure ends all. Each request leaves its record.
    """
    parts = embeddings.parts_of(call.inputs)
    if not parts:
        return Embeddings([], ())
    first = await _embed(call, parts[0], {}, collect)
    given = {"model": first.record.model, "provider": first.record.provider}
    room = asyncio.Semaphore(MAX_EMBEDDINGS_IN_FLIGHT)

    async def later(inputs: Sequence[Input]) -> Generation:
        async with room:
            return await _embed(call, inputs, given, collect)

    try:
        async with asyncio.TaskGroup() as group:
            rest = [group.create_task(later(part)) for part in parts[1:]]
    except* LLMError as failed:
        raise failed.exceptions[0] from None
    made = [first, *(task.result() for task in rest)]
    return Embeddings(
        vectors=[vector for each in made for vector in each.parsed],
        records=tuple(each.record for each in made),
    )


def embed(call: EmbeddingCall) -> Embeddings:
    """The same for synchronous code. Raises RuntimeError inside an event loop."""
    background_loop.refuse_inside_a_loop("embed")
    return background_loop.run(aembed(call))


async def acount_tokens(call: Call) -> TokenCount:
    """How many tokens a call's prompt has: its first target's own count, else an estimate.

    Nothing is generated, so there is neither a record nor a cost. Raises what resolution raises.
    """
    return await token_counts.count(GenerationState(call, await in_force.acurrent()), CHAT)


async def _embed(
    call: EmbeddingCall,
    inputs: Sequence[Input],
    given: Mapping[str, Any],
    collect: Collect | None,
) -> Generation:
    asked = embeddings.as_call(call, inputs, given)
    state = GenerationState(asked, await in_force.acurrent())
    if given:
        state.pin_target()
    return await _generation(state, Embedding(inputs), collect)


# The life cycle


class _Ended(Struct, frozen=True):
    """A generation that is over; `unpublished` is what the recorders are still to get."""

    outcome: Outcome
    unpublished: tuple[CallRecord, Texts] | None

    async def published(self) -> Generation:
        """Have the record stored, and give the answer; raises the error that it ended with."""
        if self.unpublished is not None:
            await publishing.astore(*self.unpublished)
        return self.answer()

    def store_later(self) -> None:
        """Have the record stored without waiting."""
        if self.unpublished is not None:
            publishing.store_later(*self.unpublished)

    def answer(self) -> Generation:
        """The answer; raises the error that it ended with."""
        if isinstance(self.outcome, Generation):
            return self.outcome
        raise self.outcome


async def _begin(call: Call, configuration: Snapshot, collect: Collect | None) -> _Ended:
    await structured_output.prepare(call.schema)
    strategy = CHAT if call.choices == 1 else SEVERAL
    return await _live(GenerationState(call, configuration), strategy, collect)


async def _cascaded(
    call: Call,
    steer: cascades.Steer,
    facts: CascadeFacts,
    collect: Collect | None,
    follow: Follow | None,
) -> Generation:
    """Have a cascade answer it; the records of all its calls tell what it did."""
    records: list[tuple[CallRecord, Texts]] = []
    made: Generation | None = None

    async def ask(each: Call) -> Generation:
        keep = lambda *pair: records.append(pair)  # noqa: E731 - it has no other name
        return await agenerate(replace(each, cascades=False), collect=keep, follow=follow)

    try:
        made = await steer(call, facts, ask)
    finally:
        for pair in cascades.told(records, made):
            if collect is not None:
                collect(*pair)
            elif made is None:
                publishing.store_later(*pair)
            elif recorders.enabled():
                await publishing.astore(*pair)
    return made


async def _generation(
    state: GenerationState, strategy: Strategy, collect: Collect | None
) -> Generation:
    ended = await _live(state, strategy, collect)
    return ended.answer() if ended.unpublished is None else await ended.published()


async def _live(state: GenerationState, strategy: Strategy, collect: Collect | None) -> _Ended:
    """Carry the generation out, ask the shadow and make the record; `collect` gets it at once."""
    try:
        await generation.carry_out(state, strategy)
    except BaseException:
        publishing.publish_abandoned(state, collect)
        raise
    if state.resolution.beside:
        shadow.ask_beside(state)  # afterwards, so that it takes nobody's place under the limits
    record = publishing.record_of(state)
    unpublished = None
    if collect is not None:
        collect(record, outcome.texts_of(state))
    elif recorders.enabled():
        unpublished = (record, outcome.texts_of(state))
    return _Ended(outcome.outcome_of(state, record), unpublished)


async def _pieces(
    call: Call,
    configuration: Snapshot | None,
    collect: Collect | None,
    follow: Follow | None = None,
) -> AsyncGenerator[Delta | Generation]:
    """A stream by a configuration; None takes the one in force."""
    pieces: asyncio.Queue[Delta | None] = asyncio.Queue(MAX_WAITING)
    await structured_output.prepare(call.schema)
    state = GenerationState(call, configuration or await in_force.acurrent())
    if follow is not None:
        follow(CallWatch(state))
    strategy = Streaming(state, pieces.put)
    work = asyncio.create_task(_live_stream(state, strategy, collect, pieces))
    try:
        while (piece := await pieces.get()) is not None:
            yield piece
        ended = await work
        whole = ended.outcome
        if isinstance(whole, Generation) and not state.committed:  # it didn't come as a stream
            for delta in as_deltas(whole):
                yield delta
    except BaseException:
        # The consumer left, or our own code failed: either way nobody waits for the outcome.
        work.cancel()
        await asyncio.wait({work})
        if not work.cancelled() and work.exception() is None:
            work.result().store_later()
        raise
    yield await ended.published()


def _pieces_here(
    call: Call, configuration: Snapshot, collect: Collect | None
) -> Generator[Delta | Generation]:
    """A stream for a thread without a loop; whoever has enough of it closes it."""
    told: list[tuple[CallRecord, Texts]] = []
    pieces = _pieces(call, configuration, collect or (lambda *pair: told.append(pair)))
    try:
        while (piece := background_loop.run(_next_of(pieces))) is not None:
            if isinstance(piece, Generation):
                _publish(told)
            yield piece
    finally:
        if background_loop.is_inside_a_loop():  # it is collected as garbage there
            background_loop.submit(_left(pieces, told))
        else:
            background_loop.run(pieces.aclose())
            _publish(told)


async def _next_of(pieces: AsyncGenerator[Delta | Generation]) -> Delta | Generation | None:
    return await anext(pieces, None)


def _publish(told: list[tuple[CallRecord, Texts]]) -> None:
    while told:
        recorders.publish(*told.pop())


async def _left(
    pieces: AsyncGenerator[Delta | Generation], told: list[tuple[CallRecord, Texts]]
) -> None:
    """Hang up where nobody may wait for it."""
    await pieces.aclose()
    while told:
        publishing.store_later(*told.pop())


async def _live_stream(
    state: GenerationState,
    strategy: Strategy,
    collect: Collect | None,
    pieces: asyncio.Queue[Delta | None],
) -> _Ended:
    try:
        ended = await _live(state, strategy, collect)
    except Exception:
        await pieces.put(None)  # the consumer awaits this task next, and gets the error
        raise
    await pieces.put(None)
    return ended
