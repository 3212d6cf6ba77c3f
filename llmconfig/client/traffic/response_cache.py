"""The response cache: answers by the whole request, in the process and for all processes in Redis.

Only complete answers that passed their schema are kept. Of identical calls at the same time one
asks, and the others wait for its answer. Without Redis each process has its own cache.
"""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from msgspec import Struct

from llmconfig.client.finish_reasons import is_whole
from llmconfig.client.traffic import redis_connection
from llmconfig.client.traffic.local_cache import local
from llmconfig.client.traffic.redis_connection import RedisLost
from llmconfig.client.traffic.shared_cache import (
    CLEAR,
    EPOCH,
    INDEX,
    SUMS,
    TOTALS,
    SharedCache,
    check_epoch,
    forget_unwritten,
    is_passed_over,
    look_up,
    of_running_loop,
    write_soon,
)
from llmconfig.client.types import Billed, Call, Thought, Tokens, Usage
from llmconfig.client.wire import Reply
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.runtime.records import asdict
from llmconfig.runtime.single_flight import LedFlight

# Longer ones are rare, and would push out many.
MAX_ANSWER_LENGTH = 64 * 1024
DIGITS = 10_000_000_000  # money is counted in Redis in whole 1E-10 dollars


class CachedAnswer(Struct, frozen=True):
    """An answer as it is kept. `cost_usd` is what it cost then: a hit saves that."""

    text: str
    finish_reason: str | None
    tool_calls: tuple[dict[str, Any], ...]
    cost_usd: Decimal | None
    tokens: Tokens = ()
    thoughts: tuple[Thought, ...] = ()
    native_reason: str | None = None
    stop_sequence: str | None = None
    tokens_input: int = 0  # what it took when it was made
    tokens_output: int = 0

    def reply(self) -> Reply:
        """The answer as if its provider had just given it."""
        return Reply(
            text=self.text,
            finish_reason=self.finish_reason,
            tool_calls=self.tool_calls,
            tokens=self.tokens,
            thoughts=self.thoughts,
            native_reason=self.native_reason,
            stop_sequence=self.stop_sequence,
            billed=Billed(Usage(input=self.tokens_input, output=self.tokens_output)),
        )


class CacheStatistics(Struct, frozen=True):
    """Over all processes since the totals were last lost; `size` is what Redis keeps now.

    Without Redis it is what this process knows. `saved_usd` is None where no hit's saving is known;
    `unpriced_hits` are not in it.
    """

    size: int
    process_size: int
    hits: int
    misses: int
    saved_usd: Decimal | None
    unpriced_hits: int
    shared: bool

    @property
    def total_requests(self) -> int:
        """How many calls looked for an answer in the cache."""
        return self.hits + self.misses

    @property
    def hit_rate(self) -> float:
        """The share of calls that found an answer, from 0 to 1."""
        return self.hits / self.total_requests if self.total_requests else 0.0


FORM = 2  # of what is kept: other releases' answers are not looked for
_flights: LedFlight[bytes] = LedFlight()


def enabled(configuration: Snapshot) -> bool:
    """Whether answers are cached at all."""
    return bool(configuration.setting("LLM_CACHE_ENABLED"))


def key_of(target: Target, call: Call) -> bytes | None:
    """SHA-256 of everything that the answer follows from; None if that is no plain JSON."""
    provider = target.provider
    whole = (
        FORM,
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

    A caller that gets None must call `landed(key)` when it has ended: others may wait for it.
    """
    shared = of_running_loop()
    while True:
        value = local.get(key)
        if value is None:
            if not await _flights.lead(key):
                continue
            try:
                value = await look_up(shared, key)
            except BaseException:
                landed(key)
                raise
            if value is not None:
                _keep_here(key, value, configuration)
                landed(key)
        else:
            check_epoch(shared)
        kept = _unpacked(value) if value is not None else None
        _count(shared, kept, configuration)
        return kept


def has_surely_none(key: bytes, configuration: Snapshot) -> bool:
    """Whether nothing is kept under a key and nobody asks for it, as far as is known at once.

    Then it is as if `find` had given None. Where this is False, nothing was done.
    """
    shared = of_running_loop()
    if local.get(key) is not None or not _flights.lead_at_once(key):
        return False
    if not is_passed_over(shared):
        landed(key)
        return False
    _count(shared, None, configuration)
    return True


def has_room_for(reply: Reply, call: Call) -> bool:
    """Whether a `CachedAnswer` can hold all of an answer, and it came to its end."""
    has_rows = bool(call.extra.get("logprobs"))
    return is_whole(reply.finish_reason) and not (reply.untranslated or has_rows)


def landed(key: bytes) -> None:
    """The one that asked is done, whether it has kept an answer or not."""
    _flights.land(key)


def keep(key: bytes, reply: Reply, cost_usd: Decimal | None, configuration: Snapshot) -> None:
    """Keep a complete and valid answer, which cost so many US dollars.

    The other processes are told within a moment. `_unpacked` reads it.
    """
    usage, tokens = reply.usage, reply.tokens
    value = orjson.dumps(
        (
            reply.text,
            reply.finish_reason,
            reply.tool_calls,
            None if cost_usd is None else str(cost_usd),
            [(token.decode("latin-1"), logprob) for token, logprob in tokens] if tokens else (),
            [asdict(each) for each in reply.thoughts],
            reply.native_reason,
            reply.stop_sequence,
            usage.tokens_input,
            usage.tokens_output,
        )
    )
    if len(value) > MAX_ANSWER_LENGTH:
        return
    _keep_here(key, value, configuration)
    shared = of_running_loop()
    shared.unwritten[key] = value
    shared.kept += 1
    write_soon(shared, configuration)


async def statistics() -> CacheStatistics:
    """Sizes, hits, misses and US dollars saved, of all processes where Redis can be asked."""
    try:
        size, found = await redis_connection.run_script(SUMS, [INDEX, TOTALS], [])
        shared = True
    except RedisLost:
        size, found = 0, (local.hits, local.misses, local.saved, local.unpriced)
        shared = False
    hits, misses, saved, unpriced = (int(each or 0) for each in found)
    return CacheStatistics(
        size=size if shared else len(local.answers),
        process_size=len(local.answers),
        hits=hits,
        misses=misses,
        saved_usd=None if hits and unpriced == hits else Decimal(saved) / DIGITS,
        unpriced_hits=unpriced,
        shared=shared,
    )


async def clear() -> None:
    """Forget all answers, everywhere; other processes notice within about a second of a call."""
    local.clear()
    shared = of_running_loop()
    shared.unwritten.clear()
    try:
        local.go_by(str(await redis_connection.run_script(CLEAR, [EPOCH, INDEX], [])).encode())
    except RedisLost:
        return


def forget() -> None:
    """Empty this process's own part, and tell nobody what was about to be told."""
    local.clear()
    local.epoch = b""
    forget_unwritten()


def _keep_here(key: bytes, value: bytes, configuration: Snapshot) -> None:
    local.put(
        key,
        value,
        seconds=configuration.setting("LLM_CACHE_TTL_SECONDS"),
        most=configuration.setting("LLM_CACHE_MAX_SIZE"),
    )


def _unpacked(value: bytes) -> CachedAnswer:
    text, finish_reason, tool_calls, cost, tokens, thoughts, native, stop, *used = orjson.loads(
        value
    )
    return CachedAnswer(
        text,
        finish_reason,
        tuple(tool_calls),
        None if cost is None else Decimal(cost),
        tuple((token.encode("latin-1"), logprob) for token, logprob in tokens),
        tuple(Thought(**thought) for thought in thoughts),
        native,
        stop,
        *used,  # of an older release: none
    )


def _count(shared: SharedCache, kept: CachedAnswer | None, configuration: Snapshot) -> None:
    if kept is None:
        shared.misses += 1
        local.misses += 1
    else:
        shared.kept = 0
        for counted in (shared, local):
            counted.hits += 1
            if kept.cost_usd is None:
                counted.unpriced += 1
            else:
                counted.saved += int(kept.cost_usd * DIGITS)
    write_soon(shared, configuration)
