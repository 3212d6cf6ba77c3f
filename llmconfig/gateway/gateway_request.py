"""One request on its way through: who asks, its body, the answer or why there is none."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

import orjson

from llmconfig import client
from llmconfig.client.pipeline import publishing
from llmconfig.client.pipeline.holdup import CallWatch
from llmconfig.client.sdk.asgi_scope import CALLER, Message, Receive, Send
from llmconfig.client.structured_output import SchemaUnusable
from llmconfig.client.types import Call, Delta, Generation
from llmconfig.configuration import snapshot
from llmconfig.errors import LLMError
from llmconfig.gateway import (
    access,
    answer_headers,
    body_room,
    caller_wishes,
    cross_origin,
    idempotency,
    refusals,
    several_choices,
)
from llmconfig.gateway.access import Caller
from llmconfig.gateway.answer_forms import (
    COMMENT,
    STREAM_HEADERS,
    AnswerForm,
    ChoiceEvents,
    Events,
)
from llmconfig.gateway.disconnects import WATCH_AFTER_SECONDS, Gone, Watch
from llmconfig.gateway.idempotency import AnswerRecorder, RequestClaim
from llmconfig.gateway.reading import JSON, ParsedRequest, body_of
from llmconfig.gateway.refusals import RequestRefused, Shape, refusal_of
from llmconfig.gateway.running import running
from llmconfig.gateway.several_choices import Piece
from llmconfig.gateway.writer import writer
from llmconfig.models import InteractionType
from llmconfig.runtime import stopping
from llmconfig.runtime.time_limits import limits

logger = logging.getLogger(__name__)
JSON_HEADER = (b"content-type", b"application/json")
NOBODY = Caller(None, None, everything=False, names=frozenset())  # until a key is known
SMALL_DIGITS = len(str(body_room.SMALL_BYTES)) - 1  # a length of no more is small
Headers = Sequence[tuple[bytes, bytes]]
Handler = Callable[["GatewayRequest"], Awaitable[None]]
FindHandler = Callable[[str, str], Handler]  # by method and path; raises RequestRefused


class GatewayRequest:
    """One request on its way through."""

    caller = NOBODY
    begun = False
    task: asyncio.Task[Any] | None = None
    working = False
    watch: Watch | None = None  # once it takes a while
    told: Headers = ()  # of the call, once it is read
    said_at = 0.0
    place: body_room.Place | None = None  # of a large body
    raw: bytes | bytearray | None = None  # the body, where an idempotency key came with it
    shape: Shape = staticmethod(refusals.openai_shape)
    anthropic = False
    failure: Callable[[JSON], bytes] = orjson.dumps  # until a stream has words for it

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.names = dict(scope["headers"])  # of a header that came twice, the last
        path: str = scope["path"]
        if path.startswith("/v1/messages") or b"anthropic-version" in self.names:
            self.anthropic = True
            self.shape = refusals.anthropic_shape
        elif path.startswith("/api/"):
            self.shape = refusals.ollama_shape

    async def answer(self, find: FindHandler) -> None:
        """Answer it; whatever goes wrong has an answer too."""
        self.task = asyncio.current_task()
        running.requests.add(self)
        try:
            if cross_origin.ORIGIN in self.names and await self._is_for_browsers():
                return
            if stopping.begun() and CALLER not in self.scope:
                raise refusals.stopping()
            await self._answer(find)
        except RequestRefused as refused:
            await self._refuse(refused)
        except Gone:
            pass
        except access.DATABASE_AWAY as error:
            logger.warning("A request to %s: %s", self.scope["path"], error)
            await self._refuse(refusals.database_away())
        except Exception:
            logger.exception("A request to %s failed.", self.scope["path"])
            await self._refuse(RequestRefused(500, "internal_error", "Something went wrong here."))
        finally:
            if self.place is not None:
                self.place.leave()
            running.requests.discard(self)

    def time_is_over(self) -> None:
        """It is no quick answer: see whether its client hangs up."""
        assert self.task is not None  # noqa: S101 - `answer` has set it
        self.watch = Watch(self.receive, self.task)

    def cut(self) -> None:
        """End its work, if it is at work: the process ends."""
        if self.working and self.task is not None:
            self.task.cancel()

    async def _is_for_browsers(self) -> bool:
        """Whether a browser's question what a page may do was all that was asked."""
        origin = self.names[cross_origin.ORIGIN]
        if not cross_origin.is_allowed(origin):
            return False
        self.send = cross_origin.telling(self.send, origin)
        if not cross_origin.asks_first(self.scope["method"], self.names):
            return False
        await cross_origin.say_what_is_allowed(self.send, self.names)
        return True

    async def _answer(self, find: FindHandler) -> None:
        handle = find(self.scope["method"], self.scope["path"])
        bound = self.scope.get(CALLER)
        if bound is not None:
            self.caller = Caller(
                None, bound.user_id, everything=True, names=frozenset(), node=bound.node
            )
        else:
            address: str = (self.scope.get("client") or ("",))[0]
            self.caller = await access.authenticate(self.scope["headers"], self.names, address)
        if idempotency.HEADER not in self.names or self.scope["method"] != "POST":
            await handle(self)
        else:
            await self._answer_once(idempotency.key_in(self.scope["headers"]), handle)

    async def _answer_once(self, key: bytes, handle: Handler) -> None:
        """Carry the request out unless the same one was before; its client may go meanwhile."""
        self.raw = await self._read_body()
        claim = RequestClaim(key, self.caller, self.scope["path"], self.raw)
        kept = await claim.take()
        if kept is not None:
            await self._start(kept.status, [*kept.headers, idempotency.REPLAYED])
            await self._part(kept.body, more=False)
            return
        self.send = recorder = AnswerRecorder(self.send)
        try:
            await handle(self)
        except BaseException:
            await claim.release()
            raise
        if recorder.answer is None:
            await claim.release()
        else:
            await claim.keep(recorder.answer)

    async def generate(self, asked: ParsedRequest, form: AnswerForm) -> None:
        """Carry the call out and send its answer; raises RequestRefused and Gone."""
        self.told = answer_headers.of_call(asked.call.correlation_id)
        if not self.caller.may_call(asked.name):
            await self.check(asked.name)
        if asked.more:
            await self._generate_several(asked, form)
            return
        call = caller_wishes.applied(asked.call, self.scope["headers"], streams=asked.stream)
        if asked.stream:
            events = form.events(asked)
            self.failure = events.failure
            await self.while_there(asked.name, self._stream(call, events, form))
            return
        made = await self.while_there(asked.name, client.agenerate(call, collect=self.collect))
        if form.keep is not None:
            await form.keep(made)
        await self.whole(200, orjson.dumps(form.whole(asked, made)), self._headers_of(made))

    async def _generate_several(self, asked: ParsedRequest, form: AnswerForm) -> None:
        headers, streams = self.scope["headers"], asked.stream
        calls = [caller_wishes.applied(each, headers, streams=streams) for each in asked.calls]
        together = await several_choices.can_be_one(calls)
        if asked.stream and form.choice is not None:
            events = [form.choice(asked, place) for place in range(len(calls))]
            self.failure = events[0].failure
            stream = several_choices.stream_together if together else several_choices.stream
            pieces = stream(calls, self.collect)
            await self.while_there(asked.name, self._stream_several(pieces, events, form))
            return
        generate = several_choices.generate_together if together else several_choices.generate
        work = generate(calls, self.collect)
        made: list[Generation] = await self.while_there(asked.name, work)
        await self.whole(200, orjson.dumps(form.whole(asked, *made)), self._headers_of(*made))

    def _headers_of(self, *made: Generation) -> answer_headers.Headers:
        limits = answer_headers.of_limits(made[0].record.provider, anthropic=self.anthropic)
        return [JSON_HEADER, *answer_headers.of_answer(*made), *limits]

    async def _stream_several(
        self, told: AsyncGenerator[Piece], events: Sequence[ChoiceEvents], form: AnswerForm
    ) -> None:
        """The choices' pieces as they come, each with its own beginning and end."""
        begun: set[int] = set()
        ended: list[Generation] = []
        async with self._commented(form), aclosing(told) as pieces:
            async for place, piece in pieces:
                if not self.begun:
                    await self._start(200, form.stream_headers)
                if place not in begun:
                    begun.add(place)
                    await self._part(events[place].begin())
                if isinstance(piece, Delta):
                    await self._part(events[place].piece(piece))
                    continue
                if len(ended) < len(events) - 1:
                    await self._part(events[place].ended(piece))
                else:
                    await self._part(events[place].end(piece, *ended), more=False)
                ended.append(piece)

    @asynccontextmanager
    async def _commented(self, form: AnswerForm) -> AsyncGenerator[asyncio.Task[None] | None]:
        """Meanwhile comments keep a silent stream open, where its readers skip them."""
        if not form.comment:
            yield None
            return
        seconds = (await snapshot.acurrent()).setting("LLM_STREAM_KEEPALIVE_SECONDS")
        comments = asyncio.create_task(self._comment_on_silence(seconds))
        try:
            yield comments
        finally:
            comments.cancel()

    async def _stream(self, call: Call, events: Events, form: AnswerForm) -> None:
        """Status and head with the first piece or comment: until then an error has a status."""
        watches: list[CallWatch] = []
        told = False

        async def give(piece: Delta) -> None:
            nonlocal told
            if not told:
                if not self.begun:
                    answerer = answer_headers.of_call_under_way(watches[0])
                    cached = (answer_headers.CACHE_HIT,) if piece.is_cached else ()
                    await self._start(200, [*form.stream_headers, *cached, *answerer])
                told = True
                if head := events.begin():
                    await self._part(head)
            if said := events.piece(piece):
                await self._part(said)

        async with self._commented(form) as comments:
            made = await client.astream_to(give, call, collect=self.collect, follow=watches.append)
            if form.keep is not None:
                await form.keep(made)
            if comments is not None:
                comments.cancel()
            told_last = answer_headers.as_comment(made) if form.comment else b""
            await self._part(told_last + events.end(made), more=False)

    async def _comment_on_silence(self, seconds: float) -> None:
        """Keep balancers from cutting a stream in which nothing comes; readers skip comments.

        Then the status is 200, and an error comes as the stream's last event.
        """
        while True:
            await asyncio.sleep(seconds)
            if time.monotonic() - self.said_at < seconds / 2:
                continue
            with suppress(OSError):  # who has hung up is noticed elsewhere
                if not self.begun:
                    await self._start(200, STREAM_HEADERS)
                await self._part(COMMENT)

    @property
    def collect(self) -> publishing.Collect | None:
        """Calls from outside are written in batches; those of this process at once."""
        return writer.take if CALLER not in self.scope else None

    async def check(self, name: str) -> None:
        """Whether the name exists and is the caller's to call; raises RequestRefused."""
        if not self.caller.may_call(name):
            nodes = (await snapshot.acurrent()).nodes
            if name in nodes or name in InteractionType.values:
                raise RequestRefused(
                    403, "not_allowed", f"This key may not call {name!r}.", param="model"
                )
            raise RequestRefused(
                403, "not_allowed", "This key may only call what it names.", param="model"
            )

    async def while_there(self, name: str, work: Awaitable[Any]) -> Any:
        """Do the work unless the client hangs up: then it's cancelled, and Gone is raised.

        Raises RequestRefused for what goes wrong in it.
        """
        me = self.task
        assert me is not None  # noqa: S101 - `answer` has set it
        # Who sent a key for it may go, and come back for the answer.
        limit = limits()[WATCH_AFTER_SECONDS] if self.raw is None else None
        if limit is not None:
            limit.begin(self)
        self.working = True
        try:
            return await work
        except asyncio.CancelledError:
            self._explain_cut(me)
            raise
        except LLMError as error:
            logger.info("%s: %s", name, error)
            raise refusal_of(error, name) from None
        except SchemaUnusable as error:
            raise RequestRefused(
                400, "invalid_schema", str(error), param="response_format"
            ) from None
        finally:
            self.working = False
            if limit is not None:
                limit.end(self)
            if self.watch is not None:
                self.watch.end()
                self.watch = None
            if writer.is_full:
                await writer.relieve()

    def _explain_cut(self, me: asyncio.Task[Any]) -> None:
        """Raise Gone for work that its client ended, or the refusal of a process that ends."""
        if self.watch is not None and self.watch.saw_it_go and me.cancelling() == 1:
            me.uncancel()
            raise Gone from None
        if stopping.begun() and CALLER not in self.scope:  # cut by us or by the server
            while me.cancelling():
                me.uncancel()
            raise refusals.stopping() from None

    async def body(self) -> JSON:
        """The request's JSON object; raises RequestRefused and Gone."""
        raw = self.raw if self.raw is not None else await self._read_body()
        packing: bytes | None = self.names.get(b"content-encoding")
        if packing is not None:
            raw = body_room.unpacked(raw, packing)
            await self._take_room(len(raw))
        return body_of(raw)

    async def _read_body(self) -> bytes | bytearray:
        declared: bytes = self.names.get(b"content-length", b"")
        if len(declared) > SMALL_DIGITS and declared.isdigit() and CALLER not in self.scope:
            if (size := int(declared[:20])) > body_room.MAX_BYTES:
                raise body_room.too_large()
            await self._take_room(size)  # if it isn't small
        message = await self.receive()
        if not message.get("more_body") and message["type"] == "http.request":
            whole: bytes = message.get("body", b"")
            if len(whole) <= body_room.SMALL_BYTES:
                return whole
        take = self._take_room if CALLER not in self.scope else None
        return await body_room.read_parts(message, self.receive, take)

    async def _take_room(self, size: int) -> None:
        """Wait for this many bytes, once; raises RequestRefused if it takes too long."""
        if self.place is None:
            self.place = body_room.Place()
        await self.place.take(size)

    async def reply(self, value: JSON, *, headers: Headers = ()) -> None:
        """Send a whole answer."""
        await self.whole(200, orjson.dumps(value), [JSON_HEADER, *headers])

    async def whole(self, status: int, body: bytes, headers: Headers) -> None:
        """Send an answer whose bytes are ready."""
        self.begun = True
        told = [*headers, (b"content-length", b"%d" % len(body)), *self.told]
        await self.send({"type": "http.response.start", "status": status, "headers": told})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    async def _refuse(self, refused: RequestRefused) -> None:
        """Say why; after the beginning of a stream, as its last event."""
        shape = self.shape(refused)
        if self.begun:
            with suppress(OSError):
                await self._part(self.failure(shape), more=False)
            return
        await self.whole(refused.status, orjson.dumps(shape), [JSON_HEADER, *refused.headers])

    async def _start(self, status: int, headers: Headers) -> None:
        self.begun = True
        told = [*headers, *self.told]
        await self.send({"type": "http.response.start", "status": status, "headers": told})

    async def _part(self, body: bytes, *, more: bool = True) -> None:
        self.said_at = time.monotonic()
        await self.send({"type": "http.response.body", "body": body, "more_body": more})
