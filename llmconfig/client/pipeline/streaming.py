"""Answers as they are written: the same road as `agenerate`, heard event by event.

Until the first piece was passed on, attempts are repeated and targets fall back as always; after
it, what breaks off ends the call, because nobody can take a piece back.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace

import orjson

from llmconfig.client import structured_output
from llmconfig.client.http import transport
from llmconfig.client.http.transport import Opened, RequestFailed, Response
from llmconfig.client.pipeline import publishing, shadow, token_estimates
from llmconfig.client.pipeline.endpoints import Endpoint
from llmconfig.client.pipeline.generation import AttemptResult, Exchange, Interrupted, Run
from llmconfig.client.pipeline.publishing import Collect
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import (
    ESTIMATED,
    PRICED,
    REPORTED,
    Attempt,
    Call,
    CallRecord,
    Delta,
    Generation,
    Usage,
)
from llmconfig.client.wire import JSON, BadReply, Body, Listener, Question, Reply
from llmconfig.client.wire.events import DONE, EventReader
from llmconfig.client.wire.reading import parse_event
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import GenerationFailed

# Pieces that wait for a slow consumer before the provider has to.
MAX_WAITING = 64
Tell = Callable[[Delta], Awaitable[None]]
# Stands for the body of a reply that was heard to its end.
HEARD: JSON = {"heard": True}


async def astream(
    call: Call, *, collect: Collect | None = None
) -> AsyncGenerator[Delta | Generation]:
    """Give an answer's pieces as they come, and at last the Generation with its record.

    Raises what `agenerate` raises, also after some pieces. Closing it early hangs up on the
    provider. In each case there is one record, which counts what is known by then.
    """
    waiting: asyncio.Queue[Delta | None] = asyncio.Queue(MAX_WAITING)
    await structured_output.prepare(call.schema)
    run = StreamRun(call, await snapshot.acurrent(), waiting.put)
    shadow.ask_beside(run)
    work = asyncio.create_task(_carry_out(run, waiting))
    try:
        while (piece := await waiting.get()) is not None:
            yield piece
        await work
    except BaseException:
        # The consumer left, or our own code failed: either way nobody waits for the outcome.
        work.cancel()
        await asyncio.wait({work})
        publishing.publish_abandoned(run, collect)
        raise
    outcome = await publishing.publish(run, collect)
    if isinstance(outcome, GenerationFailed):
        raise outcome
    yield outcome


async def _carry_out(run: "StreamRun", waiting: asyncio.Queue[Delta | None]) -> None:
    try:
        await run.carry_out()
    except Exception:
        await waiting.put(None)  # the consumer awaits this task next, and gets the error
        raise
    await waiting.put(None)


class StreamRun(Run):
    """A generation whose answer is told while it is written."""

    def __init__(self, call: Call, configuration: Snapshot, tell: Tell) -> None:
        super().__init__(call, configuration)
        self.tell = tell
        self.told = False  # from then on there is no way back
        self.hearing: StreamExchange | None = None

    def exchange(self, target: Target, endpoint: Endpoint) -> Exchange:
        """One that listens."""
        return StreamExchange(self, target, endpoint)

    async def still_allowed(self) -> bool:
        """Never again once a piece was passed on."""
        return not self.told and await super().still_allowed()

    def record(self) -> CallRecord:
        """With the length of what was told, if it broke off."""
        made = super().record()
        return replace(made, response_length=len(self._heard())) if self._broken() else made

    def texts(self) -> Texts:
        """With what was told, if it broke off."""
        made = super().texts()
        return replace(made, answer=self._heard()) if self._broken() else made

    def _broken(self) -> bool:
        return self.told and (not self.tries or self.tries[-1].reply is None)

    def _heard(self) -> str:
        hearing = self.hearing
        return hearing.endpoint.scrubber.told(hearing.heard.text) if hearing is not None else ""


class StreamExchange(Exchange):
    """All that is said to one target, its answers heard as they are written."""

    run: StreamRun

    def __init__(self, run: StreamRun, target: Target, endpoint: Endpoint) -> None:
        self.heard: Listener = endpoint.wire.listener()
        self.complete = False  # the server said that it's all
        self.received = 0  # characters of answer and tool calls
        self.clean = endpoint.scrubber.stream()
        super().__init__(run, target, endpoint)

    def ask(self, question: Question) -> Body:
        """For a stream, unless the model has none."""
        body = super().ask(question)
        model = self.target.candidate.model
        if model is not None and not model.supports_streaming:
            return body
        return Body(self.endpoint.wire.streamed(body.content), body.dropped)

    async def send(self) -> Response:
        """Send the payload and pass on what comes; a reply that is no stream is told at once."""
        run, endpoint = self.run, self.endpoint
        run.hearing, self.heard, self.complete = self, endpoint.wire.listener(), False
        self.received = 0
        self.clean = endpoint.scrubber.stream()
        async with transport.open_stream(
            endpoint.url,
            headers=endpoint.headers,
            body=self.payload,
            timeout_s=self.target.provider.timeout_seconds,
            private=endpoint.private,
        ) as opened:
            if not opened.streams:
                return await opened.whole()
            return await self._listen(opened)

    def billed(self, attempt: Attempt) -> Attempt:
        """The attempt with what its provider had counted; pieces that came are never free."""
        found = self.interrupted()
        if not self.received and found.usage is None and found.source == ESTIMATED:
            return attempt
        return replace(found.counted(attempt), paid=True)

    def interrupted(self) -> Interrupted:
        """By what its provider had counted, else by what was received, else the most."""
        told = self.heard.billed
        if told.cost_usd is not None:
            known_by = "counted by what its provider had reported"
            return Interrupted(told.cost_usd, known_by, told.usage, REPORTED)
        tokens = self.received // token_estimates.CHARACTERS_A_TOKEN + bool(self.received)
        usage, tier = told.usage, told.service_tier or self.asked_tier(told)
        if usage is not None and usage.tokens_output >= tokens:
            known_by = "counted by what its provider had told"
            return Interrupted(self._price(usage, tier), known_by, usage, PRICED)
        if usage is not None:
            usage = replace(usage, output=tokens - usage.reasoning)
            known_by = "counted by what its provider had told and what was received"
            return Interrupted(self._price(usage, tier), known_by, usage)
        if not tokens:
            return super().interrupted()
        usage = Usage(input=self.most_used().input, output=tokens)
        amount, known_by = self._price(usage, tier), "counted by what was received"
        return Interrupted(amount, known_by, received=True)

    async def attempt(self) -> AttemptResult:
        """One request, or the cache's answer; what did not come as a stream is told at once."""
        made = await super().attempt()
        if made.reply is not None and not self.run.told:
            self.run.told = True
            await self.run.tell(_as_delta(made.reply))
        return made

    def judge(self, response: Response | RequestFailed, latency_ms: float) -> AttemptResult:
        """Once a piece of an answer was passed on, nothing follows it."""
        made = super().judge(response, latency_ms)
        if not self.run.told:
            return made
        attempt = made.attempt if made.attempt.paid else self.billed(made.attempt)
        return replace(made, attempt=attempt, again=False, repair=False)

    def answer_size(self, response: Response | RequestFailed) -> int:
        """With what was heard, which isn't in the response."""
        return max(super().answer_size(response), len(self.heard.text))

    def read(self, value: JSON) -> Reply:
        """What was heard; of a reply that is no stream, what it holds."""
        return self.heard.reply() if value == HEARD else super().read(value)

    async def _listen(self, opened: Opened) -> Response:
        """Hear it to its end; raises RequestFailed where it can't be understood."""
        events = EventReader()
        try:
            async for piece in opened.pieces():
                for event in events.feed(piece):
                    if await self._hear(event):
                        return Response(opened.status, opened.headers, event)
            for event in events.end():
                if await self._hear(event):
                    return Response(opened.status, opened.headers, event)
            await self._tell_clean(self.heard.end(complete=self.complete))
            await self._tell(self.clean.end())
        except BadReply as bad:
            raise RequestFailed("bad_reply", str(bad), transient=True) from None
        return Response(opened.status, opened.headers, orjson.dumps(HEARD))

    async def _hear(self, event: bytes) -> bool:
        """Take one event; tells whether it is an error."""
        if event.strip() == DONE:
            self.complete = True
            return False
        value = parse_event(event)
        if self.endpoint.wire.refusal(value) is not None:
            return True
        if not isinstance(value, dict):
            raise BadReply("an event is not a JSON object")
        await self._tell_clean(self.heard.hear(value))
        return False

    async def _tell_clean(self, delta: Delta | None) -> None:
        if delta is not None:
            self.received += len(delta.text) + sum(map(_arguments, delta.tool_calls))
            self.received += sum(len(each.text) for each in delta.thoughts)
            await self._tell(self.clean.feed(delta))

    async def _tell(self, delta: Delta | None) -> None:
        if delta is not None:
            self.run.told = True
            await self.run.tell(delta)


def _arguments(part: JSON) -> int:
    """Characters of a part of a tool call."""
    function = part.get("function")
    return len(str(function.get("arguments", ""))) if isinstance(function, dict) else 0


def _as_delta(reply: Reply) -> Delta:
    """A whole answer as its only piece."""
    calls = tuple({"index": index, **call} for index, call in enumerate(reply.tool_calls))
    return Delta(reply.text, calls, reply.thoughts, reply.refusal)
