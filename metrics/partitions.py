"""Monthly partitions of the tables with a row a call: the months ahead, and the alarm.

A month runs from its first UTC midnight to the next month's, whatever the session's TimeZone.
There is no default partition: rows in one would block the month that they belong to, so a
missing month shall be seen before it is needed.
"""

import datetime as dt
import logging
import re
from collections.abc import Iterator, Sequence

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.db.backends.utils import CursorWrapper
from msgspec import Struct

from llmconfig.runtime import advisory_locks, database_clock
from metrics.errors import PartitionsUnusable

logger = logging.getLogger(__name__)

TABLES = ("llm_generation_metrics", "llm_generation_history")
MONTHS_AHEAD = 12
ALARM_BELOW = 3

BOUNDS = re.compile(r"FROM \((?P<start>.+?)\) TO \((?P<end>.+?)\)")
EARLIEST = dt.datetime.min.replace(tzinfo=dt.UTC)
LATEST = dt.datetime.max.replace(tzinfo=dt.UTC)


class Partition(Struct, frozen=True):
    """Rows of `table` from `start` up to, but without, `end`; both in UTC."""

    table: str
    name: str
    start: dt.datetime
    end: dt.datetime


def utc_now() -> dt.datetime:
    """The current time in UTC by the database's clock, by which calls are put into months.

    A machine whose clock is ahead would else drop months that are to be kept.
    """
    return database_clock.corrected(dt.datetime.now(dt.UTC))


def month_start(moment: dt.datetime) -> dt.datetime:
    """The UTC midnight that begins the month of an aware `moment`."""
    return moment.astimezone(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def add_months(start: dt.datetime, months: int) -> dt.datetime:
    """The month's beginning that is `months` after (or, negative, before) `start`."""
    years, month = divmod(start.month - 1 + months, 12)
    return start.replace(year=start.year + years, month=month + 1)


def month_of(table: str, start: dt.datetime) -> Partition:
    """The partition of one month, as this module names it."""
    return Partition(table, f"{table}_{start:%Y_%m}", start, add_months(start, 1))


def _bound(text: str) -> dt.datetime:
    named = {"MINVALUE": EARLIEST, "MAXVALUE": LATEST}
    return named.get(text) or dt.datetime.fromisoformat(text.strip("'")).astimezone(dt.UTC)


def existing(cursor: CursorWrapper, table: str) -> list[Partition]:
    """What `table` has, earliest first, by the bounds in the catalogue, whoever made it.

    Raises PartitionsUnusable when there is no such partitioned table.
    """
    cursor.execute("SELECT 1 FROM pg_partitioned_table WHERE partrelid = to_regclass(%s)", [table])
    if cursor.fetchone() is None:
        raise PartitionsUnusable(
            f"There is no partitioned table {table}. Run `manage.py migrate metrics`."
        )
    cursor.execute(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i"
        " JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(%s)",
        [table],
    )
    found = [
        Partition(table, name, _bound(bounds["start"]), _bound(bounds["end"]))
        for name, expression in cursor.fetchall()
        if (bounds := BOUNDS.search(expression))  # a default partition has none
    ]
    return sorted(found, key=lambda partition: partition.start)


def is_kept(cursor: CursorWrapper, table: str, moment: dt.datetime) -> bool:
    """Whether the month of an aware `moment` still has its partition of `table`.

    Raises PartitionsUnusable.
    """
    return any(month.start <= moment < month.end for month in existing(cursor, table))


def missing(
    cursor: CursorWrapper, table: str, *, now: dt.datetime, months_back: int = 0
) -> Iterator[Partition]:
    """The months from `months_back` to a year ahead that no partition of `table` covers."""
    present = existing(cursor, table)
    for offset in range(-months_back, MONTHS_AHEAD + 1):
        month = month_of(table, add_months(month_start(now), offset))
        if not any(p.start <= month.start and month.end <= p.end for p in present):
            yield month


def months_ahead(cursor: CursorWrapper, table: str, *, now: dt.datetime) -> int:
    """Whole months after the current one that have a partition, up to the first gap; -1 when
    not even the current month has one."""
    present = existing(cursor, table)
    end = month_start(now)
    for partition in present:
        if partition.start <= end < partition.end:
            end = partition.end
    this_month = month_start(now)
    return (end.year - this_month.year) * 12 + end.month - this_month.month - 1


def all_months_ahead(
    *, using: str = DEFAULT_DB_ALIAS, now: dt.datetime | None = None
) -> dict[str, int]:
    """What `months_ahead` says of each table. Raises PartitionsUnusable."""
    moment = now or utc_now()
    with connections[using].cursor() as cursor:
        return {table: months_ahead(cursor, table, now=moment) for table in TABLES}


def alarms(*, using: str = DEFAULT_DB_ALIAS, now: dt.datetime | None = None) -> list[str]:
    """One line for each table that has fewer months ahead than it should; none when all is well.

    Raises PartitionsUnusable.
    """
    return [
        f"{table}: {_ahead(months)},"
        f" below {ALARM_BELOW}. Calls fail to be recorded when they run out: run"
        " `manage.py llm_partitions` and see that Celery beat runs."
        for table, months in all_months_ahead(using=using, now=now).items()
        if months < ALARM_BELOW
    ]


def _ahead(months: int) -> str:
    if months < 0:
        return "no partition for this month"
    return f"{months} month{'' if months == 1 else 's'} ahead"


def ensure_this_month(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the partition of this month, by the database's clock, where it is missing.

    Raises PartitionsUnusable when calls of this month can't be recorded.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now = cursor.fetchone()[0]
        lacking = [table for table in TABLES if months_ahead(cursor, table, now=now) < 0]
    if not lacking:
        return
    try:
        keep_ahead(using=using, now=now)
    except PartitionsUnusable:
        if min(all_months_ahead(using=using, now=now).values()) < 0:
            raise


def keep_ahead_with_alarm() -> None:
    """Create what is missing; log what that made, and as an error what it couldn't make good.

    Raises PartitionsUnusable, after the alarm.
    """
    try:
        for partition in keep_ahead():
            logger.info("Created the partition %s.", partition.name)
    finally:
        for alarm in alarms():
            logger.error(alarm)


def keep_ahead(
    *,
    using: str = DEFAULT_DB_ALIAS,
    tables: Sequence[str] = TABLES,
    now: dt.datetime | None = None,
    months_back: int = 0,
    dry_run: bool = False,
) -> list[Partition]:
    """Create every month that is missing up to a year ahead and return those; with `dry_run` only
    return them. Safe to repeat and to run twice at once; writers are not held up.

    Raises PartitionsUnusable, having made the other months, when one can't be made.
    """
    moment = now or utc_now()
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if not dry_run:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [advisory_locks.PARTITIONS])
        wanted = [
            month
            for table in tables
            for month in missing(cursor, table, now=moment, months_back=months_back)
        ]
        if dry_run:
            return wanted
        failures = [failure for month in wanted if (failure := _create(cursor, month))]
    if failures:
        raise PartitionsUnusable(" ".join(failures))
    return wanted


def _create(cursor: CursorWrapper, partition: Partition) -> str:
    """Make one month and return why it failed; blank when it didn't.

    The table is built apart and attached: that takes a lock on the parent which lets writers pass,
    where CREATE TABLE … PARTITION OF stops them.
    """
    connection = cursor.db
    table, name = (connection.ops.quote_name(text) for text in (partition.table, partition.name))
    try:
        with transaction.atomic(using=connection.alias):
            cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
            cursor.execute(
                f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)",
                [partition.start.isoformat(), partition.end.isoformat()],
            )
    except DatabaseError as error:
        reason = str(error).splitlines()[0]
        return (
            f"{partition.name} can't be made: {reason}. Remove what is in its way, then run"
            " `manage.py llm_partitions`."
        )
    return ""
