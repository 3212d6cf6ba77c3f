"""`Idempotency-Key`: the same request twice is carried out and paid once, and answered twice.

The answer is kept for LLM_IDEMPOTENCY_SECONDS in Redis, where all processes find it; without Redis
each process has its own. Whoever asks while the first request is under way waits for its answer.
"""

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from uuid import uuid4

import orjson
from msgspec import Struct

from llmconfig import project_settings
from llmconfig.client.sdk.asgi_scope import Message, Send
from llmconfig.client.traffic import redis_connection
from llmconfig.client.traffic.redis_connection import RedisLost
from llmconfig.configuration import process_settings
from llmconfig.gateway.access import Caller
from llmconfig.gateway.refusals import RequestRefused

HEADER = b"idempotency-key"
FORM = re.compile(rb"[\x21-\x7e]{1,255}")
LEASE_SECONDS = 15.0  # of a request under way, whose process may die
RENEW_SECONDS = 5.0
MAX_WAIT_SECONDS = 60.0
POLL_SECONDS = 0.1
MAX_ANSWER_BYTES = 4 * 1024 * 1024
MAX_LOCAL = 256  # answers that a process without Redis keeps
RETRY_AFTER_S = 2.0
REPLAYED = (b"idempotent-replayed", b"true")

# KEYS[1]; ARGV: token, print, milliseconds, what to do, answer. Gives a word, and a kept answer.
SCRIPT = """
local state, print, token = unpack(redis.call('HMGET', KEYS[1], 'state', 'print', 'token'))
local mine = token == ARGV[1]
if ARGV[4] == 'keep' then
    if mine then
        redis.call('HSET', KEYS[1], 'state', 'done', 'answer', ARGV[5])
        redis.call('PEXPIRE', KEYS[1], ARGV[3])
    end
elseif ARGV[4] == 'release' then
    if mine and state == 'pending' then redis.call('DEL', KEYS[1]) end
elseif not state or mine then
    redis.call('HSET', KEYS[1], 'state', 'pending', 'print', ARGV[2], 'token', ARGV[1])
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    return {'mine'}
elseif print ~= ARGV[2] then
    return {'other'}
elseif state == 'done' then
    return {'done', redis.call('HGET', KEYS[1], 'answer')}
end
return {'pending'}
"""


class SentAnswer(Struct, frozen=True):
    """An answer that was sent before."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class _Local(Struct):
    """What a process without Redis remembers of one key."""

    fingerprint: str
    token: str
    until: float
    answer: bytes | None = None


_local: OrderedDict[str, _Local] = OrderedDict()


def key_in(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The one key in the headers; raises RequestRefused for none, several or a bad one."""
    given = [value.strip() for name, value in headers if name == HEADER]
    if len(given) != 1 or FORM.fullmatch(given[0]) is None:
        raise RequestRefused(
            400,
            "invalid_value",
            "It has 1 to 255 visible characters of ASCII.",
            param=HEADER.decode(),
        )
    return given[0]


class AnswerRecorder:
    """Passes an answer on to its client, and remembers it as far as there is room."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []
        self._size = 0
        self._ended = False

    async def __call__(self, message: Message) -> None:
        """Take the application's message; a client that has gone comes back for the answer."""
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], list(message["headers"])
        else:
            part = message.get("body", b"")
            self._size += len(part)
            if self._size <= MAX_ANSWER_BYTES:
                self._parts.append(part)
            self._ended = not message.get("more_body", False)
        with suppress(OSError):
            await self._send(message)

    @property
    def answer(self) -> SentAnswer | None:
        """The whole answer, None if it has no end or is too long."""
        if not self._ended or self._size > MAX_ANSWER_BYTES:
            return None
        return SentAnswer(self._status, self._headers, b"".join(self._parts))


class RequestClaim:
    """One request's right to be the one that is carried out."""

    def __init__(self, key: bytes, caller: Caller, path: str, body: bytes | bytearray) -> None:
        owner = (str(caller.key_id), str(caller.user_id), caller.node, path)
        scope = hashlib.sha256(repr(owner).encode() + key).hexdigest()
        self._name = f"nodewise:idempotent:{scope}"
        self._fingerprint = hashlib.sha256(body).hexdigest()
        self._token = uuid4().hex
        self._renewing: asyncio.Task[None] | None = None

    async def take(self) -> SentAnswer | None:
        """The answer that was sent before, None if this request is to be carried out.

        Waits for one under way. Raises RequestRefused where that takes too long, and for a key that
        came with another request.
        """
        ends = time.monotonic() + MAX_WAIT_SECONDS
        while True:
            word, answer = await self._tell("claim", LEASE_SECONDS)
            if word == "mine":
                self._renewing = asyncio.create_task(self._renew())
                return None
            if word == "done":
                return _read(answer)
            if word == "other":
                raise RequestRefused(
                    422,
                    "idempotency_key_reused",
                    "This key came with another request before; give each request its own.",
                    param=HEADER.decode(),
                )
            if time.monotonic() >= ends:
                raise RequestRefused(
                    409,
                    "idempotent_request_in_progress",
                    "The request with this key is still under way.",
                    retry_after_s=RETRY_AFTER_S,
                )
            await asyncio.sleep(POLL_SECONDS)

    async def keep(self, answer: SentAnswer) -> None:
        """Remember the answer."""
        self._end()
        seconds: float = process_settings.effective(
            "LLM_IDEMPOTENCY_SECONDS", environment=project_settings.process_values(), row={}
        )
        await self._tell("keep", seconds, _written(answer))

    async def release(self) -> None:
        """Let the next request with this key be carried out."""
        self._end()
        await self._tell("release", LEASE_SECONDS)

    def _end(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self._tell("claim", LEASE_SECONDS)

    async def _tell(self, what: str, seconds: float, answer: bytes = b"") -> tuple[str, bytes]:
        arguments: list[str | bytes | int] = [self._token, self._fingerprint, int(seconds * 1000)]
        arguments += [what, answer]
        try:
            word, *more = await redis_connection.run_script(SCRIPT, [self._name], arguments)
        except RedisLost:
            return self._tell_process(what, seconds, answer)
        return word.decode(), more[0] if more else b""

    def _tell_process(self, what: str, seconds: float, answer: bytes) -> tuple[str, bytes]:
        """The same among the requests of this process."""
        now = time.monotonic()
        held = _local.get(self._name)
        if held is not None and held.until <= now:
            held = _local.pop(self._name) and None
        mine = held is not None and held.token == self._token
        if what == "release":
            if mine and held is not None and held.answer is None:
                del _local[self._name]
        elif held is None or mine:
            kept = answer if what == "keep" else None
            _local[self._name] = _Local(self._fingerprint, self._token, now + seconds, kept)
            while len(_local) > MAX_LOCAL:
                _local.popitem(last=False)
            return "mine", b""
        elif held.fingerprint != self._fingerprint:
            return "other", b""
        elif held.answer is not None:
            return "done", held.answer
        return "pending", b""


def _written(answer: SentAnswer) -> bytes:
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.headers]
    return orjson.dumps([answer.status, headers]) + b"\n" + answer.body


def _read(kept: bytes) -> SentAnswer:
    head, _, body = kept.partition(b"\n")
    status, headers = orjson.loads(head)
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return SentAnswer(status, pairs, body)
