"""The response cache's part in Redis, which all processes share: packed answers and their sums.

Each event loop reads as many keys at once as wait for it, and writes what was kept ten times a
second, or twice where nothing is ever found. Without Redis nothing here does anything.
"""

import asyncio
import time
from binascii import hexlify

from msgspec import Struct, field

from llmconfig.client.traffic import redis_connection
from llmconfig.client.traffic.local_cache import local
from llmconfig.client.traffic.redis_connection import RedisLost
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.runtime.per_loop import PerLoop

PREFIX = "nodewise:cache:2:{answers}"  # the number changes with the form of what is kept
EPOCH, INDEX, TOTALS = f"{PREFIX}:epoch", f"{PREFIX}:index", f"{PREFIX}:totals"
_PREFIX = PREFIX.encode()
WRITE_EVERY_SECONDS = 0.1
# Where many answers were kept and none was found, as in a batch of rows that all differ: a write
# costs as much as four of them.
SELDOM_WRITE_SECONDS = 0.5
MAX_AT_ONCE = 200
# A hit of the process's own makes it ask, after this, whether the cache was cleared elsewhere.
TRUST_SECONDS = 1.0
# Where so many looks at the shared cache in a row found nothing, as in a batch of rows that all
# differ, only each 16th call looks until one finds something: a look costs 0.1 ms of CPU.
DRY_AFTER = 200
LOOK_WHEN_DRY = 16
READ = """
local values = #KEYS > 1 and redis.call('MGET', unpack(KEYS, 2)) or {}
return {redis.call('GET', KEYS[1]) or '', values}
"""
# KEYS: epoch, index (key → end of its time), totals, then the answers' keys.
# ARGV: epoch, milliseconds to keep, most answers, hits, misses, saved, unpriced hits, the answers'
# lengths in bytes, and the answers in one: each argument of its own takes the client 1 µs and more.
WRITE = """
for i, name in ipairs({'hits', 'misses', 'saved', 'unpriced'}) do
    if ARGV[3 + i] ~= '0' then redis.call('HINCRBY', KEYS[3], name, ARGV[3 + i]) end
end
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local i, at = 4, 1
for length in ARGV[8]:gmatch('%d+') do
    local next_at = at + length
    redis.call('SET', KEYS[i], ARGV[9]:sub(at, next_at - 1), 'PX', ARGV[2])
    redis.call('ZADD', KEYS[2], now + ARGV[2], KEYS[i])
    i, at = i + 1, next_at
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
SUMS = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local totals = redis.call('HMGET', KEYS[2], 'hits', 'misses', 'saved', 'unpriced')
return {redis.call('ZCARD', KEYS[1]), totals}
"""


class SharedCache(Struct):
    """One event loop's exchange with the cache that all processes share."""

    asked: dict[bytes, asyncio.Future[bytes | None]] = field(default_factory=dict)
    unwritten: dict[bytes, bytes] = field(default_factory=dict)
    hits: int = 0
    misses: int = 0
    saved: int = 0
    unpriced: int = 0  # hits that saved who knows how much
    dry: int = 0  # calls since the shared cache last had something
    kept: int = 0  # answers since any was found, here or there
    configuration: Snapshot | None = None  # says how much is shared, and for how long
    checked_at: float = 0.0
    reading: asyncio.Task[None] | None = None
    writing: asyncio.Task[None] | None = None
    registered: bool = False

    def forget_counts(self) -> None:
        """Begin to count anew, once what was counted is written or dropped."""
        self.hits = self.misses = self.saved = self.unpriced = 0


_shared_caches = PerLoop(SharedCache)


def of_running_loop() -> SharedCache:
    """The running event loop's exchange with Redis."""
    return _shared_caches.get()


def is_passed_over(shared: SharedCache) -> bool:
    """Whether nobody looks now, as nothing was found for so long; then it is counted as a look."""
    looks = shared.dry + 1
    if looks <= DRY_AFTER or not looks % LOOK_WHEN_DRY:
        return False
    shared.dry = looks
    return True


async def look_up(shared: SharedCache, key: bytes) -> bytes | None:
    """What another process has kept; calls that look at the same time share one round trip."""
    if is_passed_over(shared):
        return None
    shared.dry += 1
    if not redis_connection.configured():
        return None
    found = shared.asked.get(key)
    if found is None:
        found = shared.asked[key] = asyncio.get_running_loop().create_future()
    if shared.reading is None or shared.reading.done():
        shared.reading = asyncio.get_running_loop().create_task(_read(shared))
    value = await asyncio.shield(found)
    if value is not None:
        shared.dry = 0
    return value


async def _read(shared: SharedCache) -> None:
    while shared.asked:
        asked = {key: shared.asked.pop(key) for key in list(shared.asked)[:MAX_AT_ONCE]}
        try:
            epoch, values = await redis_connection.run_script(READ, [EPOCH, *map(_name, asked)], [])
            local.go_by(epoch)
        except RedisLost:
            values = [None] * len(asked)
        shared.checked_at = time.monotonic()
        for found, value in zip(asked.values(), values, strict=True):
            if not found.done():
                found.set_result(value)


def check_epoch(shared: SharedCache) -> None:
    """Learn in the background whether the cache was cleared."""
    now = time.monotonic()
    if now - shared.checked_at < TRUST_SECONDS or not redis_connection.configured():
        return
    shared.checked_at = now
    if shared.reading is None or shared.reading.done():
        shared.reading = asyncio.get_running_loop().create_task(_read_epoch(shared))


async def _read_epoch(shared: SharedCache) -> None:
    try:
        epoch, _ = await redis_connection.run_script(READ, [EPOCH], [])
    except RedisLost:
        return
    local.go_by(epoch)
    await _read(shared)


def write_soon(shared: SharedCache, configuration: Snapshot) -> None:
    """Write to Redis within a moment what was kept and counted, in a task of its own.

    It goes by the newest configuration that any of the calls in it had.
    """
    shared.configuration = configuration
    if shared.writing is not None and not shared.writing.done():
        return
    if not redis_connection.configured():
        shared.unwritten.clear()
        return
    shared.writing = asyncio.get_running_loop().create_task(_write_later(shared))


async def _write_later(shared: SharedCache) -> None:
    if not shared.registered:
        shared.registered = True
        await redis_connection.before_closing(lambda: _write_all(shared))
    often = shared.kept <= DRY_AFTER
    await asyncio.sleep(WRITE_EVERY_SECONDS if often else SELDOM_WRITE_SECONDS)
    await _write_all(shared)


async def _write_all(shared: SharedCache) -> None:
    while shared.configuration is not None and (shared.unwritten or shared.hits or shared.misses):
        told = {key: shared.unwritten.pop(key) for key in list(shared.unwritten)[:MAX_AT_ONCE]}
        counts = shared.hits, shared.misses, shared.saved, shared.unpriced
        shared.forget_counts()
        setting = shared.configuration.setting
        try:
            await redis_connection.run_script(
                WRITE,
                [EPOCH, INDEX, TOTALS, *map(_name, told)],
                [
                    local.epoch,
                    setting("LLM_CACHE_TTL_SECONDS") * 1000, setting("LLM_CACHE_SHARED_SIZE"),
                    *counts, b" ".join([b"%d" % len(each) for each in told.values()]),
                    b"".join(told.values()),
                ],
            )  # fmt: skip
        except RedisLost:
            shared.unwritten.clear()
            return


def _name(key: bytes) -> bytes:
    return b"%b:%b" % (_PREFIX, hexlify(key))


def forget_unwritten() -> None:
    """Drop, in all event loops, what was about to be written."""
    for shared in _shared_caches.values():
        shared.unwritten.clear()
        shared.forget_counts()
