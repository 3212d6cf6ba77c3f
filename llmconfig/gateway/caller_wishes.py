"""What a caller's headers say of its call: by when, from the cache or not, and its tags."""

import math
import re
from collections.abc import Sequence
from operator import itemgetter

from llmconfig.client.types import Call
from llmconfig.gateway import caller_labels
from llmconfig.gateway.refusals import RequestRefused
from llmconfig.runtime.records import replace

CACHE = b"x-nodewise-cache"
USE_CACHE = frozenset({b"use", b"on", b"true"})
LEAVE_CACHE = frozenset({b"off", b"no-store", b"no-cache", b"false"})
TIMEOUT = b"x-nodewise-timeout"
# W3C's, of the trace that the caller's request belongs to; what is none is left out.
TRACE = {
    b"traceparent": re.compile(
        rb"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
    ),
    b"tracestate": re.compile(rb"[\x21-\x7e \t]{1,512}"),
}
Headers = Sequence[tuple[bytes, bytes]]
NAME = itemgetter(0)
# What OpenAI's and Anthropic's SDKs tell of their own, seconds; for whole answers: in a stream they
# mean each wait.
SDK_TIMEOUTS = frozenset({b"x-stainless-timeout", b"x-stainless-read-timeout"})

# The names of all headers that are read here.
WISHES = SDK_TIMEOUTS.union(TRACE, (CACHE, TIMEOUT, caller_labels.TAGS, b"cache-control"))


def applied(call: Call, headers: Headers, *, streams: bool) -> Call:
    """The call as its caller wishes it; raises RequestRefused for a wish that is none.

    Callers get a kept answer at temperature 0 or where they ask for it.
    """
    if WISHES.isdisjoint(map(NAME, headers)):
        return call
    deadlines: list[float] = []
    use_cache, sampled = call.use_cache, False
    trace: dict[str, str] = {}
    for name, value in headers:
        if name == TIMEOUT:
            deadlines.append(_own_deadline(value))
        elif name in SDK_TIMEOUTS and not streams:
            deadlines += _seconds(value)
        elif name == CACHE:
            use_cache = call.use_cache and value.strip().lower() not in LEAVE_CACHE
            sampled = value.strip().lower() in USE_CACHE
        elif name in TRACE and TRACE[name].fullmatch(value):
            trace[name.decode()] = value.decode()
        elif name == b"cache-control" and {b"no-cache", b"no-store"} & set(_words(value)):
            use_cache = False
    return replace(
        caller_labels.with_tags(call, headers),
        deadline_s=min(deadlines, default=None),
        use_cache=use_cache,
        cache_sampled=sampled,
        trace=trace if "traceparent" in trace else {},
    )


def _own_deadline(value: bytes) -> float:
    for seconds in _seconds(value):
        return seconds
    raise RequestRefused(
        400, "invalid_value", "This is no number of seconds above 0.", param="x-nodewise-timeout"
    )


def _seconds(value: bytes) -> list[float]:
    """The number of seconds, none for what is none."""
    try:
        seconds = float(value)
    except ValueError:
        return []
    return [seconds] if math.isfinite(seconds) and seconds > 0 else []


def _words(value: bytes) -> list[bytes]:
    return [each.strip().lower() for each in value.split(b",")]
