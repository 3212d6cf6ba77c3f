"""Answers as they are written, passed on piece by piece.

Until the first piece was passed on, attempts are repeated and targets fall back as always; after
it, what breaks off ends the call, because nobody can take a piece back.
"""

from collections.abc import Awaitable, Callable

from llmconfig.client.credentials.redaction import DeltaStream
from llmconfig.client.http import transport
from llmconfig.client.http.transport import Opened, RequestFailed, Response
from llmconfig.client.pipeline.endpoints import ProviderEndpoint
from llmconfig.client.pipeline.responses import Refused
from llmconfig.client.pipeline.state import GenerationState
from llmconfig.client.pipeline.strategy import CHAT, SEVERAL, AnswerProgress
from llmconfig.client.structured_output import OutputSchema
from llmconfig.client.types import Call, Delta, Generation, Usage
from llmconfig.client.wire import JSON, BadReply, Body, Listener, Question, Reply
from llmconfig.client.wire.choices import by_choice
from llmconfig.client.wire.events import DONE, EventReader
from llmconfig.client.wire.reading import parse_event
from llmconfig.configuration.resolution import Target
from llmconfig.runtime.records import replace

SHORT = 32  # bytes; no event of JSON that says anything is shorter
PassOn = Callable[[Delta], Awaitable[None]]


class Streaming:
    """The strategy of one generation whose answer is passed on while it is written.

    A reply that is no stream is read whole, as `Chat` does it, and none of it is passed on.
    """

    cacheable = True

    def __init__(self, state: GenerationState, pass_on: PassOn) -> None:
        self.state = state
        self.pass_on = pass_on
        self.listening: _Listening | None = None  # to the last request's answer

    def most_used(self, call: Call, target: Target) -> Usage:
        return CHAT.most_used(call, target)

    def body(self, endpoint: ProviderEndpoint, question: Question) -> Body:
        """The chat request, for a stream unless the model has none."""
        body = CHAT.body(endpoint, question)
        model = question.target.candidate.model
        if model is not None and not model.supports_streaming:
            return body
        return Body(endpoint.wire.streamed(body.content), body.dropped)

    async def send(self, endpoint: ProviderEndpoint, target: Target, payload: bytes) -> Response:
        """Send the request and pass on what comes; raises RequestFailed."""
        native = self.state.call.native
        keeps_native = native is not None and native.wire == endpoint.wire.name
        listening = _Listening(endpoint, self.state, self.pass_on, keeps_native=keeps_native)
        self.listening = listening
        async with transport.open_stream(
            endpoint.url,
            headers=endpoint.headers,
            body=payload,
            timeout_s=target.provider.timeout_seconds,
            private=endpoint.private,
        ) as opened:
            if not opened.streams:
                return await opened.whole()
            silence_s = self.state.configuration.setting("LLM_STREAM_SILENCE_SECONDS")
            silence_s = min(silence_s, target.provider.timeout_seconds)
            return await listening.to_the_end_of(opened, silence_s)

    def read(self, endpoint: ProviderEndpoint, response: Response) -> Reply | Refused:
        """The answer that was heard to its end; of a reply that is no stream, what it holds."""
        listening = self.listening
        if listening is not None and listening.ended:
            return listening.reply()
        return (SEVERAL if self.state.call.choices > 1 else CHAT).read(endpoint, response)

    def parse(self, reply: Reply, schema: OutputSchema | None) -> object:
        """The JSON value, if one was asked for."""
        return CHAT.parse(reply, schema)

    def progress(self) -> AnswerProgress | None:
        """What was heard of the last request's answer."""
        return self.listening.progress() if self.listening is not None else None


class _Listening:
    """One streamed answer: its events are read, cleaned of keys and passed on."""

    def __init__(
        self,
        endpoint: ProviderEndpoint,
        state: GenerationState,
        pass_on: PassOn,
        *,
        keeps_native: bool,
    ) -> None:
        self.endpoint = endpoint
        self.state = state
        self.pass_on = pass_on
        self.answers = [
            _Answer(endpoint, at, keeps_native=keeps_native) for at in range(state.call.choices)
        ]
        self.complete = False  # the server said that it's all
        self.received = 0  # characters of answer, thoughts and tool calls
        self.ended = False  # the stream came to its end, without an error in it

    def progress(self) -> AnswerProgress:
        """What was heard so far."""
        text = "\n\n".join([each.listener.text for each in self.answers if each.begun])
        billed = self.answers[0].listener.billed
        return AnswerProgress(self.endpoint.scrubber.redacted(text), billed, self.received)

    def reply(self) -> Reply:
        """The answer, with the others that came; raises BadReply if its end never came."""
        first, *others = self.answers
        if not others:
            return first.listener.reply()
        came = tuple(each.listener.reply() for each in others if each.begun)
        return replace(first.listener.reply(), others=came)

    async def to_the_end_of(self, opened: Opened, silence_s: float) -> Response:
        """Take all events; raises RequestFailed where they can't be understood.

        Gives the reply: of an error event its body, else an empty one.
        """
        events = EventReader()
        try:
            async for piece in opened.pieces(silence_s=silence_s):
                for event in events.feed(piece):
                    if await self._is_refusal(event):
                        return Response(opened.status, opened.headers, event)
            for event in events.end():
                if await self._is_refusal(event):
                    return Response(opened.status, opened.headers, event)
            for answer in self.answers:
                await self._give_clean(answer, answer.listener.end(complete=self.complete))
                await self._give(answer, answer.scrubber.end())
        except BadReply as bad:
            raise RequestFailed("bad_reply", str(bad), transient=True) from None
        self.ended = True
        return Response(opened.status, opened.headers, b"")

    async def _is_refusal(self, event: bytes) -> bool:
        """Take one event; says whether it is an error."""
        if len(event) < SHORT and event.strip() == DONE:
            self.complete = True
            return False
        value = parse_event(event)
        if value is None:
            return False  # sent to keep the connection
        if self.endpoint.wire.refusal(value) is not None:
            return True
        if not isinstance(value, dict):
            raise BadReply("an event is not a JSON object")
        if len(self.answers) == 1:
            first = self.answers[0]
            await self._give_clean(first, first.listener.feed(value))
            return False
        for place, part in by_choice(value, len(self.answers)):
            answer = self.answers[place]
            answer.begun = True
            await self._give_clean(answer, answer.listener.feed(part))
        return False

    async def _give_clean(self, answer: "_Answer", delta: Delta | None) -> None:
        if delta is None:
            return
        self.received += len(delta.text)
        if delta.tool_calls or delta.thoughts:
            self.received += sum(map(_arguments, delta.tool_calls))
            self.received += sum(len(each.text) for each in delta.thoughts)
        await self._give(answer, answer.scrubber.feed(delta))

    async def _give(self, answer: "_Answer", delta: Delta | None) -> None:
        if delta is not None:
            self.state.committed = True
            await self.pass_on(replace(delta, choice=answer.place) if answer.place else delta)


class _Answer:
    """One of the answers that a stream brings: who hears it, and who takes keys out of it."""

    __slots__ = ("begun", "listener", "place", "scrubber")

    def __init__(self, endpoint: ProviderEndpoint, place: int, *, keeps_native: bool) -> None:
        self.place = place
        self.begun = place == 0
        self.listener: Listener = endpoint.wire.listener()
        self.listener.keeps_native = keeps_native
        self.scrubber: DeltaStream = endpoint.scrubber.stream()


def _arguments(part: JSON) -> int:
    """Characters of a part of a tool call."""
    function = part.get("function")
    return len(str(function.get("arguments", ""))) if isinstance(function, dict) else 0


def as_deltas(answer: Generation) -> list[Delta]:
    """A whole answer as its only piece, and so the other choices of it."""
    return [_as_delta(each, place) for place, each in enumerate((answer, *answer.others))]


def _as_delta(answer: Generation, place: int) -> Delta:
    calls = tuple({"index": index, **call} for index, call in enumerate(answer.tool_calls))
    return Delta(
        answer.text,
        calls,
        answer.thoughts,
        answer.refusal,
        is_cached=answer.record.cache_hit,
        choice=place,
    )
