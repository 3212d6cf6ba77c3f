"""How each provider is doing: by the requests of the last 15 minutes, and by what cools down.

A provider fails while its targets cool down and nothing is answered, or while half of its latest
requests fail by its own fault. It answers again when its latest requests all did. Between the two
it stays what it was, and so it does while nobody asks it.
"""

import datetime as dt
from collections.abc import Iterable, Mapping

from django.db import connection
from msgspec import Struct

from llmconfig.client.http import background_loop
from llmconfig.client.traffic import cooldown, redis_connection
from llmconfig.client.traffic.cooldown import Cooling
from llmconfig.client.traffic.redis_connection import RedisLost
from llmconfig.client.types import ANSWERED
from llmconfig.models import Provider
from llmconfig.runtime import database_clock
from metrics.alerts.events import MAX_AGE, AlertEvent
from metrics.models import ProviderHealth, ProviderState

SPAN = dt.timedelta(minutes=15)
MAX_CALL = dt.timedelta(minutes=30)  # calls are found by when they began
MAX_CALLS = 20_000  # the newest, where there are more
LATEST = 20
MIN_REQUESTS = 5  # fewer say nothing
FAILING_SHARE = 0.5
# An answer this new says that a target which cools down is not the whole provider.
FRESH = dt.timedelta(seconds=10)
# What a provider answers for: not a request that it refuses, nor one too many in a minute.
FAULTS = (
    "timeout", "connection", "bad_reply", "reply_too_large", "egress_refused", "quota_exhausted",
    "http_401", "http_402", "http_403", "http_408",
)  # fmt: skip

_SEEN = """
WITH requests AS (
    SELECT a.value ->> 'provider' AS provider, a.value ->> 'outcome' AS outcome,
           a.value ->> 'detail' AS detail, c.ended_at,
           row_number() OVER (PARTITION BY a.value ->> 'provider'
                              ORDER BY c.ended_at DESC, a.ordinality DESC) AS nth
    FROM (SELECT created_at + latency_ms * interval '1 millisecond' AS ended_at, attempts
          FROM llm_generation_metrics
          WHERE created_at > %(began)s AND NOT cache_hit
          ORDER BY created_at DESC LIMIT %(calls)s) c,
         jsonb_array_elements(c.attempts) WITH ORDINALITY a
    WHERE c.ended_at > %(since)s
      AND (a.value ->> 'outcome' = ANY(%(answered)s) OR a.value ->> 'outcome' = ANY(%(faults)s)
           OR a.value ->> 'outcome' LIKE 'http\\_5%%')
)
SELECT provider, count(*), count(*) FILTER (WHERE NOT answered),
       count(*) FILTER (WHERE nth <= %(latest)s),
       count(*) FILTER (WHERE nth <= %(latest)s AND NOT answered),
       count(*) FILTER (WHERE nth <= %(enough)s AND answered),
       max(ended_at) FILTER (WHERE answered),
       coalesce((array_agg(outcome || coalesce(': ' || nullif(detail, ''), '') ORDER BY nth)
                 FILTER (WHERE NOT answered))[1], '')
FROM (SELECT *, outcome = ANY(%(answered)s) AS answered FROM requests) r
GROUP BY provider
"""


class RecentRequests(Struct, frozen=True):
    """A provider's requests of the last 15 minutes that it answered or failed by its own fault."""

    requests: int = 0
    errors: int = 0
    latest: int = 0  # of the newest 20, as the next
    latest_errors: int = 0
    newest_answered: int = 0  # of the newest 5
    answered_at: dt.datetime | None = None
    last_error: str = ""


NONE_SEEN = RecentRequests()


def refresh() -> None:
    """Find out how each enabled provider is doing, and keep it; the others are forgotten."""
    now = database_clock.now()
    seen, cooling = _seen(now), _cooling()
    names = list(Provider.objects.filter(is_enabled=True).values_list("name", flat=True))
    ProviderHealth.objects.exclude(provider__in=names).delete()
    held = ProviderHealth.objects.in_bulk(names)
    for name in names:
        row = held.get(name) or ProviderHealth(provider=name)
        _update(row, seen.get(name, NONE_SEEN), [c for c in cooling if c.provider == name], now)
        row.save()


def current() -> Iterable[AlertEvent]:
    """Outages that last, and those that ended within a day."""
    for row in ProviderHealth.objects.exclude(outage_began_at=None):
        began = _moment(row.outage_began_at)
        if row.outage_ended_at is None:
            yield AlertEvent(
                subject=row.provider,
                level="failing",
                occurrence=str(row.outage_began_at),
                title=f"{row.provider} is failing",
                text=f"The provider {row.provider} has been failing since {began}."
                f" {row.errors} of its {row.requests} requests in the last 15 minutes failed."
                f" The last failure: {row.reason or 'not known'}.",
            )
        elif row.outage_ended_at > row.checked_at - MAX_AGE:
            yield AlertEvent(
                subject=row.provider,
                level="recovered",
                occurrence=str(row.outage_ended_at),
                title=f"{row.provider} answers again",
                text=f"The provider {row.provider} answers again since"
                f" {_moment(row.outage_ended_at)}. It had been failing since {began}.",
                happened_at=row.outage_ended_at,
            )


def verdict(seen: RecentRequests, *, is_cooling: bool, now: dt.datetime) -> ProviderState:
    """What these figures alone say; UNKNOWN where they say nothing."""
    fresh = seen.answered_at is not None and now - seen.answered_at < FRESH
    if is_cooling and not fresh:
        return ProviderState.FAILING
    if seen.newest_answered == min(MIN_REQUESTS, seen.requests) > 0:
        return ProviderState.ANSWERING
    if seen.latest >= MIN_REQUESTS and seen.latest_errors >= FAILING_SHARE * seen.latest:
        return ProviderState.FAILING
    return ProviderState.UNKNOWN


def _update(
    row: ProviderHealth, seen: RecentRequests, cooling: list[Cooling], now: dt.datetime
) -> None:
    longest = max(cooling, key=lambda each: each.seconds_left, default=None)
    row.requests, row.errors, row.checked_at = seen.requests, seen.errors, now
    row.cooling_until, reason = None, seen.last_error
    if longest is not None:
        row.cooling_until = now + dt.timedelta(seconds=longest.seconds_left)
        reason = f"{longest.model}: {longest.reason}"
    found = verdict(seen, is_cooling=longest is not None, now=now)
    if found == ProviderState.FAILING:
        if row.state != ProviderState.FAILING:
            row.outage_began_at, row.outage_ended_at = now, None
        row.reason = reason[:300]
    elif found == ProviderState.ANSWERING and row.state == ProviderState.FAILING:
        row.outage_ended_at = now
    row.state = row.state if found == ProviderState.UNKNOWN else found


def _seen(now: dt.datetime) -> Mapping[str, RecentRequests]:
    with connection.cursor() as cursor:
        cursor.execute(
            _SEEN,
            {
                "began": now - SPAN - MAX_CALL,
                "since": now - SPAN,
                "calls": MAX_CALLS,
                "answered": sorted(ANSWERED),
                "faults": list(FAULTS),
                "latest": LATEST,
                "enough": MIN_REQUESTS,
            },
        )
        return {provider: RecentRequests(*figures) for provider, *figures in cursor.fetchall()}


def _cooling() -> list[Cooling]:
    """Without Redis each process knows of its own alone, and this one calls nobody."""
    if not redis_connection.configured():
        return []
    try:
        return background_loop.run(cooldown.reported())
    except RedisLost:
        return []


def _moment(when: dt.datetime | None) -> str:
    return "some time ago" if when is None else f"{when.astimezone(dt.UTC):%-d %B %Y, %H:%M UTC}"
