"""How this machine's clock stands to the database's, which dates what is stored.

It is compared whenever a connection is opened, and again once the clock was set: between two looks
the monotonic clock tells that it was.
"""

import datetime as dt
import logging
import time
from collections.abc import Iterable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.backends.signals import connection_created

logger = logging.getLogger(__name__)

TOLERATED_SECONDS = 2.0  # below this a clock is taken as right
TOLD_SECONDS = 5.0  # above this it is said
NO_TIME = dt.timedelta(0)


class _Comparison:
    """What this process knows; `ahead` is how far the database's clock is before ours."""

    def __init__(self) -> None:
        self.ahead = NO_TIME
        self.is_right = True  # our clock, by `ahead`
        self.anchor: float | None = None  # wall clock minus monotonic clock, when it was compared


_known = _Comparison()


def compare() -> dt.timedelta:
    """How far the database's clock is ahead of ours, asked now. Raises Django's database errors."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs: dt.datetime = cursor.fetchone()[0]
    return _take(theirs)


def ahead() -> dt.timedelta:
    """The same, asked anew only if our clock was set since; needs a usable connection then."""
    if _known.anchor is None or abs(_anchor() - _known.anchor) > TOLERATED_SECONDS:
        return compare()
    return _known.ahead


def known_ahead() -> dt.timedelta:
    """The same as last compared, and nothing where our clock is right; asks nobody.

    So it serves event loops too.
    """
    return NO_TIME if _known.is_right else _known.ahead


def is_right() -> bool:
    """Whether our clock was right, as last compared."""
    return _known.is_right


def now() -> dt.datetime:
    """The current time by the database's clock, by `known_ahead`.

    What a wrong clock would decide goes by it: what has expired, which day's budget runs, which
    price is in force.
    """
    return dt.datetime.now(dt.UTC) + known_ahead()


def kept(moment: dt.datetime) -> dt.datetime:
    """A moment of our clock as it is kept on disk: by the database's, as far as it is known.

    Who reads it may be another process, whose clock is wrong by something else, or right.
    """
    return moment + known_ahead()


def taken_up(moment: dt.datetime) -> dt.datetime:
    """What `kept` gave, here or elsewhere, by our clock again."""
    return moment - known_ahead()


def corrected(moment: dt.datetime) -> dt.datetime:
    """A moment of our clock, from before just now, by the database's."""
    difference = ahead()
    if abs(difference.total_seconds()) <= TOLERATED_SECONDS:
        return moment
    now = dt.datetime.now(dt.UTC)
    return min(moment, now) + difference


def all_corrected(moments: Iterable[dt.datetime]) -> list[dt.datetime]:
    """The same for many; needs a usable connection, as `ahead` does."""
    ahead()
    if known_ahead() is NO_TIME:
        return list(moments)
    return [corrected(moment) for moment in moments]


def complaint(difference: dt.timedelta) -> str:
    """What is to be said of a difference; blank when it is small."""
    seconds = difference.total_seconds()
    if abs(seconds) <= TOLD_SECONDS:
        return ""
    where = "behind" if seconds > 0 else "ahead of"
    return (
        f"This machine's clock is {abs(seconds):,.0f} s {where} the database's, by which records"
        " are dated. Set it right (NTP)."
    )


def _anchor() -> float:
    return time.time() - time.monotonic()


def _take(theirs: dt.datetime) -> dt.timedelta:
    anchor = _anchor()
    step = 0.0 if _known.anchor is None else anchor - _known.anchor
    difference = theirs - dt.datetime.now(dt.UTC)
    _known.anchor = anchor
    new = abs((difference - _known.ahead).total_seconds()) > TOLERATED_SECONDS
    if not new:
        return _known.ahead  # the same to the digit, so that a record written again has its date
    _known.ahead = difference
    _known.is_right = abs(difference.total_seconds()) <= TOLERATED_SECONDS
    if abs(step) > TOLERATED_SECONDS:
        logger.warning("This machine's clock was set by %+.0f s.", step)
    if complaint(difference):
        logger.warning(complaint(difference))
    return difference


def _opened(connection: Any, **_: Any) -> None:
    if connection.alias != DEFAULT_DB_ALIAS:  # a project's other ones may be no PostgreSQL
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        _take(cursor.fetchone()[0])


def watch() -> None:
    """Compare whenever a connection is opened."""
    connection_created.connect(_opened, dispatch_uid="database-clock")
