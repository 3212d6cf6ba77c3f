"""The response cache: answers by the whole request, in the process and for all processes in Redis.

Only complete answers that passed their schema are kept. Of identical calls at the same time one
asks, and the others wait for its answer. Without Redis each process has its own cache.
"""

import asyncio
import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from llmconfig.client.traffic import redis_connection
from llmconfig.client.traffic.redis_connection import RedisLost
from llmconfig.client.types import Call, Thought, Tokens
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.runtime.per_loop import PerLoop

PREFIX = "nodewise:cache:2:{answers}"  # the number changes with the form of what is kept
EPOCH, INDEX, TOTALS = f"{PREFIX}:epoch", f"{PREFIX}:index", f"{PREFIX}:totals"
# Longer ones are rare, and would push out many.
MAX_ANSWER_LENGTH = 64 * 1024
TELL_EVERY_SECONDS = 0.1
MAX_AT_ONCE = 200
# A hit of the process's own makes it ask, after this, whether the cache was cleared elsewhere.
TRUST_SECONDS = 1.0
# Where so many looks at the shared cache in a row found nothing, as in a batch of rows that all
# differ, only each 16th call looks until one finds something: a look costs 0.1 ms of CPU.
DRY_AFTER = 200
LOOK_WHEN_DRY = 16
DIGITS = 10_000_000_000  # money is counted in Redis in whole 1E-10 dollars

READ = """
local values = #KEYS > 1 and redis.call('MGET', unpack(KEYS, 2)) or {}
return {redis.call('GET', KEYS[1]) or '', values}
"""
# KEYS: epoch, index (key → end of its time), totals, then the answers' keys.
# ARGV: epoch, milliseconds to keep, most answers, hits, misses, saved, then the answers.
WRITE = """
for i, name in ipairs({'hits', 'misses', 'saved'}) do
    if ARGV[3 + i] ~= '0' then redis.call('HINCRBY', KEYS[3], name, ARGV[3 + i]) end
end
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
for i = 4, #KEYS do
    redis.call('SET', KEYS[i], ARGV[3 + i], 'PX', ARGV[2])
    redis.call('ZADD', KEYS[2], now + ARGV[2], KEYS[i])
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local over = redis.call('ZCARD', KEYS[2]) - ARGV[3]
if over > 0 then
    local popped = redis.call('ZPOPMIN', KEYS[2], over)
    for i = 1, #popped, 2 do redis.call('UNLINK', popped[i]) end
end
"""
CLEAR = """
for _, key in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do redis.call('UNLINK', key) end
redis.call('DEL', KEYS[2])
return redis.call('INCR', KEYS[1])
"""
TELL = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return {redis.call('ZCARD', KEYS[1]), redis.call('HMGET', KEYS[2], 'hits', 'misses', 'saved')}
"""


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer as it is kept. `cost_usd` is what it cost then: a hit saves that."""

    text: str
    finish_reason: str | None
    tool_calls: tuple[dict[str, Any], ...]
    cost_usd: Decimal | None
    tokens: Tokens = ()
    thoughts: tuple[Thought, ...] = ()
    native_reason: str | None = None
    stop_sequence: str | None = None


@dataclass(frozen=True, slots=True)
class Statistics:
    """Over all processes since the totals were last lost; `size` is what Redis keeps now.

    Without Redis it is what this process knows.
    """

    size: int
    process_size: int
    hits: int
    misses: int
    saved_usd: Decimal
    shared: bool

    @property
    def total_requests(self) -> int:
        """Calls that looked."""
        return self.hits + self.misses

    @property
    def hit_rate(self) -> float:
        """From 0 to 1."""
        return self.hits / self.total_requests if self.total_requests else 0.0


class _LocalCache:
    """The process's own answers, least recently used first; for all its threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.answers: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self.epoch = b""
        self.hits = self.misses = self.saved = 0

    def get(self, key: bytes) -> bytes | None:
        with self.lock:
            held = self.answers.get(key)
            if held is None:
                return None
            if held[0] < time.monotonic():
                del self.answers[key]
                return None
            self.answers.move_to_end(key)
            return held[1]

    def put(self, key: bytes, value: bytes, *, seconds: float, most: int) -> None:
        with self.lock:
            self.answers[key] = (time.monotonic() + seconds, value)
            self.answers.move_to_end(key)
            while len(self.answers) > most:
                self.answers.popitem(last=False)

    def go_by(self, epoch: bytes) -> None:
        """Forget all if the cache has been cleared since."""
        with self.lock:
            if epoch != self.epoch:
                self.epoch = epoch
                self.answers.clear()

    def clear(self) -> None:
        with self.lock:
            self.answers.clear()


_shelf = _LocalCache()


@dataclass(slots=True)
class _CacheBounds:
    """How much all processes share, and for how long."""

    seconds: int
    most: int


@dataclass(slots=True)
class _SingleFlight:
    """One event loop's dealings with the shared cache."""

    asked: dict[bytes, asyncio.Future[bytes | None]] = field(default_factory=dict)
    flights: dict[bytes, asyncio.Future[None]] = field(default_factory=dict)
    to_tell: dict[bytes, bytes] = field(default_factory=dict)
    hits: int = 0
    misses: int = 0
    saved: int = 0
    dry: int = 0  # calls since the shared cache last had something
    bounds: _CacheBounds | None = None
    checked_at: float = 0.0
    asking: asyncio.Task[None] | None = None
    telling: asyncio.Task[None] | None = None
    introduced: bool = False


_desks = PerLoop(_SingleFlight)


def enabled(configuration: Snapshot) -> bool:
    """Whether answers are cached at all."""
    return bool(configuration.setting("LLM_CACHE_ENABLED"))


def key_of(target: Target, call: Call) -> bytes | None:
    """SHA-256 of everything that the answer follows from; None if that is no plain JSON."""
    provider = target.provider
    whole = (
        provider.provider_type,
        provider.base_url,
        provider.api_version,
        target.model_id,
        target.temperature,
        target.max_tokens,
        call.messages,
        call.schema,
        call.extra,
        call.logprobs,
        call.native.body if call.native is not None else None,
    )
    try:
        canonical = orjson.dumps(whole, option=orjson.OPT_SORT_KEYS, default=_plain)
    except TypeError:
        return None
    return hashlib.sha256(canonical).digest()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


async def find(key: bytes, configuration: Snapshot) -> CachedAnswer | None:
    """The answer kept under a key, or None: then the caller asks the provider.

    Whoever gets None must tell how it ended by `landed(key)`; others may wait for it.
    """
    desk = _desk()
    while True:
        value = _shelf.get(key)
        if value is None:
            flight = desk.flights.get(key)
            if flight is not None:
                await asyncio.shield(flight)
                continue
            desk.flights[key] = asyncio.get_running_loop().create_future()
            try:
                value = await _shared(desk, key)
            except BaseException:
                landed(key)
                raise
            if value is not None:
                _keep_here(key, value, configuration)
                landed(key)
        else:
            _check_epoch(desk)
        kept = _unpacked(value) if value is not None else None
        _count(desk, kept, configuration)
        return kept


def landed(key: bytes) -> None:
    """The one that asked is done, whether it has kept an answer or not."""
    flight = _desk().flights.pop(key, None)
    if flight is not None and not flight.done():
        flight.set_result(None)


def keep(key: bytes, answer: CachedAnswer, configuration: Snapshot) -> None:
    """Keep a complete and valid answer; told to the other processes within a moment."""
    value = orjson.dumps(
        (
            answer.text,
            answer.finish_reason,
            answer.tool_calls,
            None if answer.cost_usd is None else str(answer.cost_usd),
            [(token.decode("latin-1"), logprob) for token, logprob in answer.tokens],
            answer.thoughts,
            answer.native_reason,
            answer.stop_sequence,
        )
    )
    if len(value) > MAX_ANSWER_LENGTH:
        return
    _keep_here(key, value, configuration)
    desk = _desk()
    desk.to_tell[key] = value
    _tell_soon(desk, configuration)


async def statistics() -> Statistics:
    """How well it does."""
    try:
        size, (hits, misses, saved) = await redis_connection.run_script(TELL, [INDEX, TOTALS], [])
        shared = True
    except RedisLost:
        size, hits, misses, saved = 0, _shelf.hits, _shelf.misses, _shelf.saved
        shared = False
    return Statistics(
        size=size if shared else len(_shelf.answers),
        process_size=len(_shelf.answers),
        hits=int(hits or 0),
        misses=int(misses or 0),
        saved_usd=Decimal(int(saved or 0)) / DIGITS,
        shared=shared,
    )


async def clear() -> None:
    """Forget all answers, everywhere; other processes notice within about a second of a call."""
    _shelf.clear()
    desk = _desk()
    desk.to_tell.clear()
    try:
        _shelf.go_by(str(await redis_connection.run_script(CLEAR, [EPOCH, INDEX], [])).encode())
    except RedisLost:
        return


def forget() -> None:
    """Empty this process's own part, and tell nobody what was about to be told."""
    _shelf.clear()
    _shelf.epoch = b""
    for desk in _desks.values():
        desk.to_tell.clear()
        desk.hits = desk.misses = desk.saved = 0


def _desk() -> _SingleFlight:
    return _desks.get()


def _keep_here(key: bytes, value: bytes, configuration: Snapshot) -> None:
    _shelf.put(
        key,
        value,
        seconds=configuration.setting("LLM_CACHE_TTL_SECONDS"),
        most=configuration.setting("LLM_CACHE_MAX_SIZE"),
    )


def _unpacked(value: bytes) -> CachedAnswer:
    text, finish_reason, tool_calls, cost, tokens, thoughts, native, stop = orjson.loads(value)
    return CachedAnswer(
        text,
        finish_reason,
        tuple(tool_calls),
        None if cost is None else Decimal(cost),
        tuple((token.encode("latin-1"), logprob) for token, logprob in tokens),
        tuple(Thought(**thought) for thought in thoughts),
        native,
        stop,
    )


def _count(desk: _SingleFlight, kept: CachedAnswer | None, configuration: Snapshot) -> None:
    if kept is None:
        desk.misses += 1
        _shelf.misses += 1
    else:
        saved = int((kept.cost_usd or 0) * DIGITS)
        desk.hits += 1
        desk.saved += saved
        _shelf.hits += 1
        _shelf.saved += saved
    _tell_soon(desk, configuration)


# What goes to and fro with Redis: as much at once as waits


async def _shared(desk: _SingleFlight, key: bytes) -> bytes | None:
    """What another process has kept; calls that look at the same time share one round trip."""
    desk.dry += 1
    if desk.dry > DRY_AFTER and desk.dry % LOOK_WHEN_DRY:
        return None
    if not redis_connection.configured():
        return None
    found = desk.asked.get(key)
    if found is None:
        found = desk.asked[key] = asyncio.get_running_loop().create_future()
    if desk.asking is None or desk.asking.done():
        desk.asking = asyncio.get_running_loop().create_task(_read(desk))
    value = await asyncio.shield(found)
    if value is not None:
        desk.dry = 0
    return value


async def _read(desk: _SingleFlight) -> None:
    while desk.asked:
        asked = {key: desk.asked.pop(key) for key in list(desk.asked)[:MAX_AT_ONCE]}
        try:
            epoch, values = await redis_connection.run_script(READ, [EPOCH, *map(_name, asked)], [])
            _shelf.go_by(epoch)
        except RedisLost:
            values = [None] * len(asked)
        desk.checked_at = time.monotonic()
        for found, value in zip(asked.values(), values, strict=True):
            if not found.done():
                found.set_result(value)


def _check_epoch(desk: _SingleFlight) -> None:
    """Learn in the background whether the cache was cleared."""
    now = time.monotonic()
    if now - desk.checked_at < TRUST_SECONDS or not redis_connection.configured():
        return
    desk.checked_at = now
    if desk.asking is None or desk.asking.done():
        desk.asking = asyncio.get_running_loop().create_task(_read_epoch(desk))


async def _read_epoch(desk: _SingleFlight) -> None:
    try:
        epoch, _ = await redis_connection.run_script(READ, [EPOCH], [])
    except RedisLost:
        return
    _shelf.go_by(epoch)
    await _read(desk)


def _tell_soon(desk: _SingleFlight, configuration: Snapshot) -> None:
    if desk.telling is not None and not desk.telling.done():
        return
    if not redis_connection.configured():
        desk.to_tell.clear()
        return
    setting = configuration.setting
    desk.bounds = _CacheBounds(setting("LLM_CACHE_TTL_SECONDS"), setting("LLM_CACHE_SHARED_SIZE"))
    desk.telling = asyncio.get_running_loop().create_task(_tell(desk))


async def _tell(desk: _SingleFlight) -> None:
    if not desk.introduced:
        desk.introduced = True
        await redis_connection.before_closing(lambda: _tell_all(desk))
    await asyncio.sleep(TELL_EVERY_SECONDS)
    await _tell_all(desk)


async def _tell_all(desk: _SingleFlight) -> None:
    while desk.bounds is not None and (desk.to_tell or desk.hits or desk.misses):
        told = {key: desk.to_tell.pop(key) for key in list(desk.to_tell)[:MAX_AT_ONCE]}
        hits, misses, saved = desk.hits, desk.misses, desk.saved
        desk.hits = desk.misses = desk.saved = 0
        try:
            await redis_connection.run_script(
                WRITE,
                [EPOCH, INDEX, TOTALS, *map(_name, told)],
                [
                    _shelf.epoch, desk.bounds.seconds * 1000, desk.bounds.most,
                    hits, misses, saved, *told.values(),
                ],
            )  # fmt: skip
        except RedisLost:
            desk.to_tell.clear()
            return


def _name(key: bytes) -> str:
    return f"{PREFIX}:{key.hex()}"
