"""What a reply means: an answer, or a failure that the same request may or may not get over."""

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from llmconfig.client.http.transport import Response
from llmconfig.client.wire import JSON, BadReply, Refusal, Reply, Wire
from llmconfig.client.wire.reading import parse

TRANSIENT_STATUSES = frozenset({408, 409, 425, 429})
# An empty account stays empty: repeating these only earns more of them.
QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "billing_error",
        "quota_exceeded",
        "credit_balance_too_low",
    }
)
REQUEST_ID_HEADERS = ("x-request-id", "request-id")


@dataclass(frozen=True, slots=True)
class Refused:
    """A reply that is no answer, as an attempt's outcome. `transient`: try the same again."""

    code: str
    detail: str
    transient: bool
    status: int
    retry_after_s: float | None = None


def judge(
    response: Response, wire: Wire, read: Callable[[JSON], Reply] | None = None
) -> Reply | Refused:
    """The answer in a reply, or why it is none; raises BadReply for what can't be understood.

    `read` takes the answer out of a good reply; without it, the wire's own.
    """
    if response.status != 200:
        return _refused(response.status, _refusal(response, wire), response)
    value = parse(response.body)
    refusal = wire.refusal(value)
    if refusal is not None:
        return _refused(refusal.status or 502, refusal, response)
    return (read or wire.read)(value)


def _refusal(response: Response, wire: Wire) -> Refusal:
    try:
        said = wire.refusal(parse(response.body))
    except BadReply:
        said = None
    if said is not None:
        return said
    text = response.body[:300].decode("utf-8", "replace")
    return Refusal("" if text.lstrip().startswith("<") else text, frozenset())


def _refused(status: int, refusal: Refusal, response: Response) -> Refused:
    empty_account = status == 402 or not QUOTA_CODES.isdisjoint(refusal.codes)
    if empty_account:
        return Refused("quota_exhausted", refusal.message, transient=False, status=status)
    detail = refusal.message
    if 300 <= status < 400:
        detail = "it answers with a redirect, and none is followed"
    return Refused(
        code=f"http_{status}",
        detail=detail,
        transient=status in TRANSIENT_STATUSES or status >= 500,
        status=status,
        retry_after_s=retry_after(response.headers),
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a provider asks to wait, None if it doesn't or can't mean it.

    Read from `retry-after-ms`, or `Retry-After` as seconds or an HTTP date.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        seconds = _number(text) * unit
        if math.isnan(seconds) and name == "retry-after":
            seconds = _until(text)
        if seconds >= 0:
            return seconds
    return None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _until(text: str) -> float:
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return math.nan
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - dt.datetime.now(dt.UTC)).total_seconds())


def request_id(headers: Mapping[str, str]) -> str:
    """The provider's own name for a request, blank if it gives none."""
    for name in REQUEST_ID_HEADERS:
        value = headers.get(name)
        if value:
            return value[:100]
    return ""
