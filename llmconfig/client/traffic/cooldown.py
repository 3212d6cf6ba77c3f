"""Targets that keep failing are left alone for a while, by all processes.

A process counts the failures that it sees in a row; the one that reaches the bound tells the others
through Redis, which each process reads at most once a second and waits for once, at its start.
When the time is over, one call of each process tries the target; the others wait for what becomes
of it.
"""

import asyncio
import time
from collections.abc import Callable

from msgspec import Struct

from llmconfig.client.traffic import redis_connection
from llmconfig.client.traffic.redis_connection import RedisLost
from llmconfig.client.types import ANSWERED, Attempt
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot

KEY = "nodewise:cooling"
LOOK_EVERY_SECONDS = 1.0
MAX_COOLDOWN_FACTOR = 12  # of LLM_COOLDOWN_SECONDS, reached by doubling
MAX_ASKED_SECONDS = 3600.0  # of what a provider asks for in Retry-After
ASK_AGAIN_SECONDS = 0.1
UNREACHABLE = "connection"  # an attempt's outcome
MAX_TRIED_SECONDS = 1.0  # what others are told to wait for a call that tries the target

# Adds a target, then lists all: name, milliseconds left, reason. A longer cool-down stays.
SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if ARGV[1] then
    local held = redis.call('HGET', KEYS[1], ARGV[1])
    local till = now + tonumber(ARGV[2])
    if not held or tonumber(held:match('^%d+')) < till then
        redis.call('HSET', KEYS[1], ARGV[1], string.format('%d ', till) .. ARGV[3])
    end
end
local reported, rows = {}, redis.call('HGETALL', KEYS[1])
for i = 1, #rows, 2 do
    local till, why = rows[i + 1]:match('^(%d+) (.*)$')
    if tonumber(till) <= now then
        redis.call('HDEL', KEYS[1], rows[i])
    else
        reported[#reported + 1] = rows[i]
        reported[#reported + 1] = tonumber(till) - now
        reported[#reported + 1] = why
    end
end
return reported
"""


class _Health(Struct):
    """What this process knows of a target. Times by time.monotonic()."""

    failures: int = 0
    cooled: int = 0  # times in a row
    until: float = 0.0
    tried: bool = False  # by one call, and the others wait for what becomes of it
    reason: str = ""


class _Cooldowns:
    """All targets that have lately failed; most processes know of none."""

    def __init__(self) -> None:
        self.failing: dict[str, _Health] = {}
        self.looked_at = 0.0
        self.tasks: set[asyncio.Task[None]] = set()


_cooldowns = _Cooldowns()


def has_looked() -> bool:
    """Whether this process has asked what others found failing."""
    return _cooldowns.looked_at != 0.0


async def know() -> None:
    """Have heard of the targets that others found failing; asks only once in a process."""
    if _cooldowns.looked_at == 0.0 and redis_connection.configured():
        _cooldowns.looked_at = time.monotonic()
        await _exchange([])


def is_all_well() -> bool:
    """Whether no target is known to fail, here or elsewhere."""
    if time.monotonic() - _cooldowns.looked_at > LOOK_EVERY_SECONDS:
        return False  # who asks for a target looks again
    return not _cooldowns.failing


def seconds_left(target: Target) -> float:
    """For how long a target is to be left alone; 0 if it may be asked.

    While a call tries it, nobody knows: it is the time after which to look again.
    """
    now = time.monotonic()
    if now - _cooldowns.looked_at > LOOK_EVERY_SECONDS:
        _cooldowns.looked_at = now
        _in_background(_name_of_none)
    if not _cooldowns.failing:
        return 0.0
    health = _cooldowns.failing.get(_name(target))
    if health is None:
        return 0.0
    left = max(0.0, health.until - now)
    return min(left, MAX_TRIED_SECONDS) if health.tried else left


def treatment(target: Target) -> str:
    """What is done with a target in its cooldown, in words that follow "is"."""
    health = _cooldowns.failing.get(_name(target))
    if health is not None and health.tried:
        return "tried again by another call"
    return f"left alone for {seconds_left(target):.1f} s more"


def reason(target: Target) -> str:
    """Why a target is in its cooldown, in words; blank if nothing failed."""
    health = _cooldowns.failing.get(_name(target))
    return health.reason if health is not None else ""


def try_it(target: Target) -> None:
    """A call is about to ask the target: if it comes from a cool-down, others wait for it."""
    if not _cooldowns.failing:
        return
    health = _cooldowns.failing.get(_name(target))
    if health is not None and health.cooled:
        health.until = time.monotonic() + target.provider.timeout_seconds
        health.tried = True


async def wait_until_usable(target: Target) -> None:
    """Wait until it may be asked; the caller bounds the time."""
    while (left := seconds_left(target)) > 0:  # noqa: ASYNC110 - several loops wait, no event spans them
        await asyncio.sleep(min(left, ASK_AGAIN_SECONDS))


def ended(
    target: Target,
    attempt: Attempt,
    *,
    transient: bool,
    configuration: Snapshot,
    is_counted: bool = True,
) -> None:
    """Take an attempt's outcome into account; `is_counted` is that of a call's first failure."""
    if attempt.outcome in ANSWERED:
        if _cooldowns.failing:
            _cooldowns.failing.pop(_name(target), None)
        return
    bound: int = configuration.setting("LLM_COOLDOWN_FAILURES")
    if not bound:
        return
    cap: float = configuration.setting("LLM_RETRY_MAX_DELAY")
    asked = attempt.retry_after_s or 0.0
    lasting = attempt.outcome == "quota_exhausted" or asked > cap
    if not lasting and (not transient or attempt.outcome == "http_429" or attempt.paid):
        # An answer of a kind, such as one that broke off: the target is there and works. Too many
        # at a time is `adaptive`'s business.
        release(target)
        return
    health = _cooldowns.failing.setdefault(_name(target), _Health())
    if health.until > time.monotonic() and not health.tried:
        return  # it was under way when the cool-down began
    health.failures += is_counted
    if health.failures >= bound or lasting or health.cooled:
        _cool(target, health, attempt, configuration, asked if asked > cap else 0.0)


def release(target: Target) -> None:
    """Those that wait for the call that tries it may go as well, if there is one."""
    if not _cooldowns.failing:
        return
    health = _cooldowns.failing.get(_name(target))
    if health is not None and health.tried:
        health.until, health.tried = 0.0, False


class Cooling(Struct, frozen=True):
    """A target that all processes leave alone, for how many seconds more, and why."""

    provider: str
    model: str
    seconds_left: float
    reason: str


async def reported() -> list[Cooling]:
    """What all processes have reported through Redis; raises RedisLost, also without a Redis."""
    found = await redis_connection.run_script(SCRIPT, [KEY], [])
    cooling = []
    for name, milliseconds, why in zip(found[::3], found[1::3], found[2::3], strict=True):
        # A name is `_name`'s; models have slashes in theirs, and addresses no blank.
        target = name.decode().rpartition(" ")[0]
        provider, _, model = target.partition("/")
        cooling.append(Cooling(provider, model, milliseconds / 1000, why.decode()))
    return cooling


def forget() -> None:
    """Know of no failures, in this process."""
    _cooldowns.failing.clear()
    _cooldowns.looked_at = 0.0


def _cool(
    target: Target, health: _Health, attempt: Attempt, configuration: Snapshot, asked_s: float
) -> None:
    health.cooled += 1
    health.tried = False
    base: float = configuration.setting("LLM_COOLDOWN_SECONDS")
    # Where nobody listens, to try costs nobody anything: so its return is soon found out.
    longer = 1 if attempt.outcome == UNREACHABLE else 2 ** (health.cooled - 1)
    seconds = base * min(longer, MAX_COOLDOWN_FACTOR)
    seconds = min(max(seconds, asked_s), MAX_ASKED_SECONDS)
    health.until = time.monotonic() + seconds
    many = "1 failure" if health.failures == 1 else f"{health.failures} failures in a row"
    health.reason = f"{many}, the last one {attempt.outcome}"
    if attempt.outcome == UNREACHABLE:  # a person can see what isn't there
        health.reason += f" ({attempt.detail})"
    name, said, milliseconds = _name(target), health.reason, int(seconds * 1000)
    _in_background(lambda: [name, milliseconds, said])


def _name(target: Target) -> str:
    # With the address: a provider that was moved elsewhere starts with a clean record.
    provider = target.provider
    return f"{provider.name}/{target.model_id} {provider.base_url}"


def _name_of_none() -> list[str | int]:
    return []


def _in_background(arguments: Callable[[], list[str | int]]) -> None:
    if not redis_connection.configured():
        return
    task = asyncio.get_running_loop().create_task(_exchange(arguments()))
    _cooldowns.tasks.add(task)
    task.add_done_callback(_cooldowns.tasks.discard)


async def _exchange(added: list[str | int]) -> None:
    """Tell of a target, if any, and hear of all."""
    try:
        reported = await redis_connection.run_script(SCRIPT, [KEY], added)
    except RedisLost:
        return  # each process goes by what it sees itself
    now = time.monotonic()
    for name, milliseconds, why in zip(reported[::3], reported[1::3], reported[2::3], strict=True):
        health = _cooldowns.failing.setdefault(name.decode(), _Health())
        health.until = max(health.until, now + milliseconds / 1000)
        health.tried = False
        health.cooled = max(health.cooled, 1)
        health.reason = health.reason or why.decode()
