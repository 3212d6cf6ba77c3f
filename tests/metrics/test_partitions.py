"""A month begins at UTC midnight, months leave no gap, and the lack of them is seen in time."""

import datetime as dt
import itertools
import logging
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from metrics import partitions
from metrics.errors import PartitionsUnusable
from metrics.models import GenerationMetric
from metrics.recording import write_records
from metrics.tasks import keep_partitions_ahead
from tests.api import caller
from tests.metrics.calls import TEXTS, a_record

METRICS = "llm_generation_metrics"
FUTURE = dt.datetime(2031, 1, 31, 23, 59, 59, tzinfo=dt.UTC)  # nothing exists yet there


def tables(parent=METRICS):
    with connection.cursor() as cursor:
        return partitions.existing(cursor, parent)


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def drop_from(table, first):
    """Leave `table` only the months before `first`."""
    for partition in tables(table):
        if partition.start >= first:
            execute(f"DROP TABLE {partition.name}")


def in_months(months):
    return partitions.add_months(partitions.month_start(partitions.utc_now()), months)


def command(*arguments):
    out, err = StringIO(), StringIO()
    call_command("llm_partitions", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@given(st.integers(0, 3_000_000_000), st.integers(-14, 14))
def test_each_month_ends_where_the_next_begins(seconds, offset):
    moment = dt.datetime.fromtimestamp(seconds, dt.timezone(dt.timedelta(hours=offset)))
    start = partitions.month_start(moment)
    assert start <= moment < partitions.add_months(start, 1)
    start = partitions.add_months(start, offset)
    month = partitions.month_of(METRICS, start)
    assert month.start.day == 1
    assert month.start.utcoffset() == dt.timedelta(0)
    assert month.end == partitions.month_of(METRICS, month.end).start
    assert partitions.add_months(month.end, -1) == month.start


@pytest.mark.django_db
@pytest.mark.parametrize("table", partitions.TABLES)
def test_migrating_makes_last_month_this_one_and_a_year_without_gaps(table):
    found = tables(table)
    assert len(found) == 14
    assert found[0].start == in_months(-1)
    assert found[-1].end == in_months(13)
    assert all(a.end == b.start for a, b in itertools.pairwise(found))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "zone", ["UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati"]
)
def test_months_turn_at_utc_midnight_whatever_the_sessions_time_zone(zone):
    execute(f"SET LOCAL TIME ZONE '{zone}'")
    partitions.keep_ahead(now=FUTURE)
    midnight = dt.datetime(2031, 2, 1, tzinfo=dt.UTC)
    last, first = midnight - dt.timedelta(microseconds=1), midnight
    with connection.cursor() as cursor:
        write_records(cursor, [(a_record(created_at=moment), TEXTS) for moment in (last, first)])
        cursor.execute(
            "SELECT tableoid::regclass::text, created_at AT TIME ZONE 'UTC'"
            f" FROM {METRICS} ORDER BY created_at"
        )
        assert cursor.fetchall() == [
            (f"{METRICS}_2031_01", last.replace(tzinfo=None)),
            (f"{METRICS}_2031_02", first.replace(tzinfo=None)),
        ]


@pytest.mark.django_db
def test_a_call_in_a_month_without_a_partition_is_refused():
    with pytest.raises(IntegrityError, match="no partition"), transaction.atomic():
        GenerationMetric.objects.create(
            correlation_id="0f0e0d0c-0b0a-4908-8706-050403020100", created_at=FUTURE
        )


@pytest.mark.django_db
def test_the_command_makes_what_is_missing_and_then_nothing():
    drop_from(METRICS, in_months(11))
    before = len(tables())
    out, err = command()
    assert out.count("Created") == 2
    assert f"{METRICS}_{in_months(12):%Y_%m}: {in_months(12):%Y-%m-%d}" in out
    assert f"{METRICS}: 12 months ahead." in out
    assert not err
    assert len(tables()) == before + 2
    assert "Created" not in command()[0]


@pytest.mark.django_db
def test_a_dry_run_tells_but_changes_nothing():
    drop_from(METRICS, in_months(2))
    before = tables()
    out, err = command("--dry-run")
    assert out.count("Would create") == 11
    assert f"{METRICS}: 1 months ahead." in out
    assert "below 3" in err
    assert tables() == before


@pytest.mark.django_db
def test_a_gap_is_filled_and_ends_the_count_of_months_ahead():
    gap = f"{METRICS}_{in_months(4):%Y_%m}"
    execute(f"DROP TABLE {gap}")
    with connection.cursor() as cursor:
        assert partitions.months_ahead(cursor, METRICS, now=partitions.utc_now()) == 3
    assert [partition.name for partition in partitions.keep_ahead()] == [gap]


@pytest.mark.django_db
def test_a_new_month_has_the_parents_indexes_keys_and_rules():
    partitions.keep_ahead(now=FUTURE)
    facts = """
        SELECT (SELECT count(*) FROM pg_inherits i JOIN pg_index x ON x.indexrelid = i.inhrelid
                WHERE x.indrelid = c.oid),
               (SELECT array_agg(conname ORDER BY conname) FROM pg_constraint
                WHERE conrelid = c.oid AND contype = 'c')
        FROM pg_class c WHERE relname = %s
    """
    with connection.cursor() as cursor:
        cursor.execute(facts, [f"{METRICS}_2031_06"])
        indexes, rules = cursor.fetchone()
        cursor.execute(facts, [METRICS])
        assert rules == cursor.fetchone()[1]
    # The seed's six, experiments', two of rare calls, two of users, cascades', three orders and the
    # key, each the parent's.
    assert indexes == 16
    assert "llm_metrics_cost_not_negative" in rules


@pytest.mark.django_db
def test_making_partitions_waits_for_no_writer():
    writer = connection.copy()
    try:
        writer.set_autocommit(False)
        with writer.cursor() as cursor:
            write_records(cursor, [(a_record(), TEXTS)])
            execute("SET LOCAL lock_timeout = '500ms'")
            assert partitions.keep_ahead(now=FUTURE)
        writer.rollback()
    finally:
        writer.close()


@pytest.mark.django_db(transaction=True)
def test_replicas_that_start_at_once_make_each_month_once():
    drop_from(METRICS, in_months(7))
    together = Barrier(3)

    def start():
        try:
            with connection.cursor():  # connected before they race
                together.wait(timeout=10)
            return partitions.keep_ahead()
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        made = [replica.result() for replica in [pool.submit(start) for _ in range(3)]]
    assert sorted(len(months) for months in made) == [0, 0, 6]
    assert partitions.keep_ahead() == []


@pytest.mark.django_db
def test_one_month_that_cant_be_made_doesnt_stop_the_others():
    drop_from(METRICS, in_months(10))
    blocked = f"{METRICS}_{in_months(11):%Y_%m}"
    execute(f"CREATE TABLE {blocked} (someone_elses integer)")
    with pytest.raises(PartitionsUnusable, match=f"{blocked} can't be made: .*already exists"):
        partitions.keep_ahead()
    assert [p.start for p in tables()][-2:] == [in_months(10), in_months(12)]
    with pytest.raises(CommandError, match=blocked):
        command()


@pytest.mark.django_db
def test_the_alarm_sounds_below_three_months_and_not_at_three(caplog):
    drop_from(METRICS, in_months(4))
    assert partitions.alarms() == []
    execute(f"DROP TABLE {METRICS}_{in_months(3):%Y_%m}")
    (alarm,) = partitions.alarms()
    assert alarm.startswith(f"{METRICS}: 2 months ahead, below 3.")
    drop_from(METRICS, in_months(0))
    assert "no partition for this month" in partitions.alarms()[0]


@pytest.mark.django_db
def test_the_system_check_warns_before_partitions_run_out():
    err = StringIO()
    call_command("check", databases=["default"], stderr=err)
    assert not err.getvalue()
    drop_from(METRICS, in_months(1))
    call_command("check", databases=["default"], stderr=err)
    assert "metrics.W001" in err.getvalue()
    assert "0 months ahead" in err.getvalue()


@pytest.mark.django_db
def test_the_overview_and_prometheus_show_how_many_months_are_left():
    admin = Client()
    admin.force_login(User.objects.create_superuser("ada"))
    viewer = caller("viewer")
    lead, gauge = "Recording stops soon", "nodewise_partition_months_ahead"
    assert lead not in admin.get("/admin/").content.decode()
    assert f'{gauge}{{table="{METRICS}"}} 12\n' in viewer.get("/metrics").content.decode()
    drop_from(METRICS, in_months(2))
    shown = admin.get("/admin/").content.decode()
    assert lead in shown
    assert f"{METRICS}: 1 month ahead, below 3." in shown
    assert f'{gauge}{{table="{METRICS}"}} 1\n' in viewer.get("/metrics").content.decode()


@pytest.mark.django_db
def test_the_timer_makes_months_and_logs_the_alarm_that_it_cant_settle(caplog):
    caplog.set_level(logging.INFO)
    drop_from(METRICS, in_months(1))
    blocked = f"{METRICS}_{in_months(1):%Y_%m}"
    execute(f"CREATE TABLE {blocked} (someone_elses integer)")
    with pytest.raises(PartitionsUnusable):
        keep_partitions_ahead()
    assert any(
        record.levelname == "ERROR" and "0 months ahead" in record.message
        for record in caplog.records
    )
    execute(f"DROP TABLE {blocked}")
    keep_partitions_ahead()
    assert f"Created the partition {blocked}." in caplog.messages
    assert partitions.alarms() == []


@pytest.mark.django_db
def test_a_database_that_isnt_migrated_gets_one_clear_line():
    execute("ALTER TABLE llm_generation_history RENAME TO elsewhere")
    with pytest.raises(CommandError, match="no partitioned table llm_generation_history"):
        command("--dry-run")
