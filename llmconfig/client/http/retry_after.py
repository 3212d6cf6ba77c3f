"""When a server wants to be asked again: `Retry-After` in its forms."""

import datetime as dt
import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

# The longest wait that is believed; whoever asks for more is asked again after as long.
MAX_RETRY_AFTER_S = 3600.0
# The headers, and their units in seconds.
NAMES = (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a provider asks to wait, an hour at most; None if it can't mean it.

    Read from `retry-after-ms` (Azure: `x-ms-retry-after-ms`), or `Retry-After` as seconds or an
    HTTP date.
    """
    for name, unit in NAMES:
        text = headers.get(name)
        if text is None:
            continue
        seconds = _number(text) * unit
        if math.isnan(seconds) and name == "retry-after":
            seconds = _until(text)
        found = bounded(seconds)
        if found is not None:
            return found
    return None


def bounded(seconds: float | None) -> float | None:
    """The seconds, an hour at most; None for what is no time to wait."""
    if seconds is None or math.isnan(seconds) or seconds < 0:
        return None
    return min(seconds, MAX_RETRY_AFTER_S)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _until(text: str) -> float:
    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - dt.datetime.now(dt.UTC)).total_seconds())
