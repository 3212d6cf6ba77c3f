"""Who calls: a key from a request's headers, found in memory; notes when each was last used.

The keys in memory are at most two seconds old while there are calls, so that a revoked one stops
by then; only while the database is away do they serve longer, for LLM_DATABASE_LOST_SECONDS.
Nothing from a header ever reaches the database.
"""

import asyncio
import datetime as dt
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, close_old_connections
from msgspec import Struct

from llmconfig import project_settings
from llmconfig.configuration import process_settings, snapshot
from llmconfig.configuration.facts import UserKey
from llmconfig.gateway.keys import FORM, hash_of
from llmconfig.gateway.refusals import RequestRefused
from llmconfig.models.gateway import GatewayKey
from llmconfig.runtime import database_clock
from llmconfig.runtime.records import replace
from llmconfig.runtime.single_flight import SingleFlight

logger = logging.getLogger(__name__)

FRESH_SECONDS = 0.8
USABLE_SECONDS = 1.6
# Nobody waits longer than this for a database that has answered before.
PATIENCE_SECONDS = 0.5
FIRST_PATIENCE_SECONDS = 10.0
DATABASE_AWAY = (OperationalError, InterfaceError)
LAST_USED_EVERY_SECONDS = 60.0
FAILURES_A_MINUTE = 30  # of one address, before it's told to wait
MAX_ADDRESSES = 10_000
AUTHORIZATION, BEARER = b"authorization", b"Bearer "
OTHERS = frozenset({b"x-api-key", b"api-key"})
NO_KEY = "No valid API key was given: send one as “Authorization: Bearer nw-…” or x-api-key."
SEVERAL_KEYS = (
    "The request has different API keys in Authorization, x-api-key or api-key: send one key, in"
    " one of these headers."
)


class Caller(Struct, frozen=True):
    """Who calls and what they may call. `node` is set for callers that are bound to one."""

    key_id: UUID | None
    user_id: UserKey | None
    everything: bool
    names: frozenset[str]
    expires_at: dt.datetime | None = None
    node: str = ""
    account: str = ""  # the key's name: whose budget it counts for

    def may_call(self, name: str) -> bool:
        """Whether the name is in scope."""
        return self.everything or name in self.names


class _Ring:
    """The enabled keys by their hash, and when they were read."""

    def __init__(self) -> None:
        self.keys: Mapping[str, Caller] = {}
        # Whom an `Authorization` opened for since then, so that each is hashed once a reading.
        self.opened: dict[bytes, Caller] = {}
        self.expirations = 0
        self.read_as_of = (-1, 0.0)  # the expirations that the last reading knew of, and its begin
        self.asked_at = 0.0
        self.failed_at = -PATIENCE_SECONDS
        self.known = False  # they were read at least once
        self.refreshing: SingleFlight[int, None] = SingleFlight()
        self.token: UUID | None = None  # of the configuration that they were read with
        self.stopped: frozenset[UUID] = frozenset()  # with their owners' accounts
        self.used: dict[UUID, float] = {}  # by our clock
        self.used_written_at = time.monotonic()

    def fresh(self) -> Mapping[str, Caller]:
        """The keys if they may be gone by without a look, else none."""
        knew_of, read_at = self.read_as_of
        is_fresh = knew_of == self.expirations and time.monotonic() - read_at < FRESH_SECONDS
        return self.keys if is_fresh else {}

    async def current(self) -> Mapping[str, Caller]:
        """The keys; those of over a second ago are read anew while these still serve.

        While the database is away, the last known ones serve for LLM_DATABASE_LOST_SECONDS; then
        raises OperationalError.
        """
        age = self._age
        if age < FRESH_SECONDS or (self._may_serve(age) and self._just_failed):
            return self.keys
        refresh = self.refreshing.start(self.expirations, self._begin)
        if age >= USABLE_SECONDS:
            await self._until_read(refresh, age)
        return self.keys

    @property
    def _age(self) -> float:
        """Seconds since the keys were read; endless for what was begun before they expired."""
        knew_of, read_at = self.read_as_of
        return time.monotonic() - read_at if knew_of == self.expirations else math.inf

    def _may_serve(self, age: float) -> bool:
        """Whether keys of this age, seconds, may be gone by while the database is away."""
        kept: float = process_settings.effective(
            "LLM_DATABASE_LOST_SECONDS", environment=project_settings.process_values(), row={}
        )
        return self.known and age <= kept

    @property
    def _just_failed(self) -> bool:
        return time.monotonic() - self.failed_at < PATIENCE_SECONDS

    async def _until_read(self, refresh: asyncio.Task[None], age: float) -> None:
        """Wait until the keys are read, not for long; those in memory may have to serve."""
        may_be_known = self.known and age < math.inf
        longest = PATIENCE_SECONDS if may_be_known else FIRST_PATIENCE_SECONDS
        patience = max(0.0, self.asked_at + longest - time.monotonic())
        await asyncio.wait({refresh}, timeout=patience)
        try:
            if not refresh.done():
                raise OperationalError("The database does not answer.")
            refresh.result()
        except DATABASE_AWAY:
            if not self._may_serve(age):
                raise

    def _begin(self) -> Coroutine[Any, Any, None]:
        self.asked_at = time.monotonic()
        return self._read_in_thread()

    async def _read_in_thread(self) -> None:
        try:
            await sync_to_async(self.read)()
        except DATABASE_AWAY as error:
            self.failed_at = time.monotonic()
            logger.warning("The keys can't be read anew: %s.", type(error).__name__)
            raise

    def read(self) -> None:
        """Read the keys from the database if they have changed, or an account was closed."""
        close_old_connections()  # no request begins or ends in this thread
        as_of = (self.expirations, time.monotonic())
        has_expired = as_of[0] != self.read_as_of[0]
        token = snapshot.stored_token()
        closed = GatewayKey.objects.filter(user__is_active=False, is_enabled=True)
        stopped = frozenset(closed.values_list("pk", flat=True))
        if has_expired or token is None or (token, stopped) != (self.token, self.stopped):
            rows = GatewayKey.objects.filter(is_enabled=True).exclude(pk__in=stopped)
            self.keys = dict(pair for row in rows for pair in _callers(row))
            self.token, self.stopped = token, stopped
        self.opened = {}  # after the keys: who looks at both takes this one first
        self.read_as_of = as_of
        self.known = True


_ring = _Ring()


def expire() -> None:
    """Have the next call read the keys anew."""
    _ring.expirations += 1


async def warm() -> None:
    """Read the keys before the first call needs them."""
    await _ring.current()


async def authenticate(
    headers: Sequence[tuple[bytes, bytes]], names: Mapping[bytes, bytes], address: str
) -> Caller:
    """The caller whose key is in the headers; raises Refused (401, or 429 after many failures).

    Taken from `Authorization` (with or without `Bearer`), `x-api-key` or `api-key`; different keys
    in several of them are refused. `names` are the headers by their names, the last of each.
    """
    bearer, opened = names.get(AUTHORIZATION, b""), _ring.opened
    keys, alone = _ring.fresh(), OTHERS.isdisjoint(names) and len(names) == len(headers)
    caller = opened.get(bearer) if keys and alone else None
    if caller is None:
        found = _keys(headers)
        given = found.pop() if found else b""
        if found:
            raise _failures.refusal(address, SEVERAL_KEYS)
        if FORM.fullmatch(given) is None:
            raise _failures.refusal(address)
        hashed = hash_of(given)
        caller = (keys or await _ring.current()).get(hashed)
        if caller is not None and keys and alone and bearer == BEARER + given:
            opened[bearer] = caller
    if caller is None or (caller.expires_at is not None and _expired(caller)):
        raise _failures.refusal(address)
    if caller.key_id is not None:
        _ring.used[caller.key_id] = time.time()
    return caller


def write_last_used(*, at_once: bool = False) -> None:
    """Write when keys were last used, at most once a minute; for a thread of its own."""
    due = time.monotonic() - _ring.used_written_at >= LAST_USED_EVERY_SECONDS
    if not _ring.used or not (due or at_once):
        return
    used, _ring.used = _ring.used, {}
    _ring.used_written_at = time.monotonic()
    ahead = database_clock.known_ahead()
    rows = [
        GatewayKey(pk=key, last_used_at=dt.datetime.fromtimestamp(when, dt.UTC) + ahead)
        for key, when in used.items()
    ]
    GatewayKey.objects.bulk_update(rows, ["last_used_at"])


def _callers(row: GatewayKey) -> Iterator[tuple[str, Caller]]:
    """Who calls with a row's key, and with the one before it as long as that still opens."""
    caller = Caller(
        key_id=row.pk,
        user_id=row.user_id,
        everything=row.allows_everything,
        names=frozenset(row.names),
        expires_at=row.expires_at,
        account=row.name,
    )
    yield row.key_hash, caller
    if row.previous_hash and row.previous_until:
        ends = [each for each in (row.expires_at, row.previous_until) if each is not None]
        yield row.previous_hash, replace(caller, expires_at=min(ends))


def _expired(caller: Caller) -> bool:
    return caller.expires_at is not None and caller.expires_at <= database_clock.now()


def _keys(headers: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    """The different keys in the headers."""
    found = set()
    for name, value in headers:
        if name == AUTHORIZATION:
            scheme, _, rest = value.partition(b" ")
            if scheme.lower() == b"bearer" or not rest:
                found.add((rest or scheme).strip())
        elif name in OTHERS:
            found.add(value.strip())
    return found


class _Failures:
    """Failed attempts a minute by address. Good keys are never held up by them."""

    def __init__(self) -> None:
        self.counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def refusal(self, address: str, why: str = NO_KEY) -> RequestRefused:
        """Count one more, and say no."""
        now = time.monotonic()
        since, count = self.counts.pop(address, (now, 0))
        if now - since >= 60:
            since, count = now, 0
        self.counts[address] = (since, count + 1)
        if len(self.counts) > MAX_ADDRESSES:
            self.counts.popitem(last=False)
        if count >= FAILURES_A_MINUTE:
            return RequestRefused(
                429,
                "too_many_failures",
                "Too many requests with a wrong key.",
                retry_after_s=60 - (now - since),
            )
        return RequestRefused(401, "invalid_api_key", why)


_failures = _Failures()
