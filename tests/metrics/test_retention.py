"""Old months go as the settings say, their sums stay, and nobody who writes is held up."""

import datetime as dt
import statistics
import threading
import time
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from llmconfig.runtime import advisory_locks
from metrics import partitions, retention, rollups
from metrics.models import (
    DailyCallers,
    DailyRollup,
    GenerationHistory,
    GenerationMetric,
    WaitingDay,
)
from metrics.recording import record_call
from metrics.tasks import drop_expired_months
from tests.metrics.calls import TEXTS, a_record

METRICS, HISTORY = "llm_generation_metrics", "llm_generation_history"


def in_months(months):
    return partitions.add_months(partitions.month_start(partitions.utc_now()), months)


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def months(table):
    with connection.cursor() as cursor:
        return {partition.start for partition in partitions.existing(cursor, table)}


def keep(settings, *, metrics=0, history=0):
    settings.LLM_ENVIRONMENT = {
        "LLM_METRICS_KEEP_MONTHS": metrics,
        "LLM_HISTORY_KEEP_MONTHS": history,
    }


@pytest.fixture
def old_months():
    """Five months back; afterwards the table is as it was."""
    partitions.keep_ahead(months_back=5)
    yield
    with connection.cursor() as cursor:
        for table in partitions.TABLES:
            for partition in partitions.existing(cursor, table):
                if partition.start < in_months(-1):
                    cursor.execute(f"DROP TABLE {partition.name}")
    partitions.keep_ahead(months_back=1)


@contextmanager
def another_connection():
    other = connection.copy()
    try:
        yield other
    finally:
        other.close()


@pytest.mark.django_db(transaction=True)
def test_each_table_keeps_as_many_months_as_its_setting_says(settings, old_months):
    keep(settings, metrics=3, history=1)
    dropped = retention.drop_expired()
    assert min(months(METRICS)) == in_months(-3)
    assert min(months(HISTORY)) == in_months(-1)
    assert len(dropped) == 2 + 4
    assert retention.drop_expired() == []
    with connection.cursor() as cursor:
        assert f"{METRICS}_{in_months(-5):%Y_%m}" not in connection.introspection.table_names(
            cursor
        )


@pytest.mark.django_db(transaction=True)
def test_nought_keeps_everything(settings, old_months):
    keep(settings)
    assert retention.drop_expired() == []
    assert min(months(METRICS)) == in_months(-5)


@pytest.mark.django_db(transaction=True)
def test_calls_that_nobody_had_summed_up_are_summed_up_before_they_go(settings, old_months):
    record_call(a_record(created_at=in_months(-5)), TEXTS)
    record_call(a_record(created_at=in_months(-5) + dt.timedelta(days=1)), TEXTS)
    rollups.roll_up()
    DailyCallers.objects.all().delete()  # of a day from before there were sums by caller
    WaitingDay.objects.create(day=in_months(-5) + dt.timedelta(days=1))
    GenerationMetric.objects.filter(created_at=in_months(-5)).update(tokens_reasoning=0)
    keep(settings, metrics=4)
    retention.drop_expired()
    assert not GenerationMetric.objects.exists()
    assert DailyCallers.objects.filter(kind="user", value="3").count() == 2
    assert GenerationHistory.objects.exists()
    for _ in range(2):
        assert [day.calls for day in DailyRollup.objects.all()] == [1, 1]
        rollups.roll_up()


@pytest.mark.django_db(transaction=True)
def test_a_month_goes_in_under_a_second_while_others_write(settings, old_months):
    keep(settings, metrics=4)
    record_call(a_record(created_at=in_months(-5)), TEXTS)
    stop, waits, failures = threading.Event(), [], []

    def keep_writing():
        try:
            while not stop.is_set():
                began = time.monotonic()
                record_call(a_record(), TEXTS)
                waits.append(time.monotonic() - began)
        except Exception as error:  # noqa: BLE001 - shown by the test
            failures.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=keep_writing) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        while len(waits) < 5 and not failures:
            stop.wait(0.01)
        before = len(waits)
        rollups.roll_up()
        began = time.monotonic()
        assert retention.drop_expired()
        took = time.monotonic() - began
        while len(waits) < before + 10 and not failures:
            stop.wait(0.01)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert failures == []
    # On a machine so busy that one record takes long, so may this.
    bound = max(1.0, 50 * statistics.median(waits))
    assert took < bound
    assert max(waits) < bound


@pytest.mark.django_db(transaction=True)
def test_a_month_in_use_is_said_to_be_so_and_goes_the_next_time(settings, old_months, caplog):
    keep(settings, metrics=4)
    with another_connection() as reader:
        reader.set_autocommit(False)
        with reader.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {METRICS}")
            drop_expired_months()
            assert "can't be detached" in caplog.text
            # Nobody waits for what is half done.
            with transaction.atomic():
                execute("SET LOCAL lock_timeout = '500ms'")
                record_call(a_record(), TEXTS)
        reader.rollback()
    assert [partition.start for partition in retention.drop_expired()] == [in_months(-5)]
    assert min(months(METRICS)) == in_months(-4)


@pytest.mark.django_db(transaction=True)
def test_a_table_that_was_detached_but_not_dropped_goes_the_next_time(settings, old_months):
    keep(settings)
    mine, theirs = (f"{METRICS}_{in_months(-back):%Y_%m}" for back in (5, 4))
    for name in (mine, theirs):
        execute(f"ALTER TABLE {METRICS} DETACH PARTITION {name}")
    execute(f"COMMENT ON TABLE {mine} IS '{retention.MARK}'")
    retention.drop_expired()
    tables = connection.introspection.table_names()
    execute(f"DROP TABLE {theirs}")
    assert mine not in tables
    assert theirs in tables  # somebody else's archive


@pytest.mark.django_db(transaction=True)
def test_only_one_process_removes_months(settings, old_months):
    keep(settings, metrics=4)
    with another_connection() as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [advisory_locks.PARTITIONS])
        assert retention.drop_expired() == []
    assert min(months(METRICS)) == in_months(-5)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("estimate", "told"), [(-1, "0 rows"), (2_000_000, "rows, about 2,000,000")]
)
def test_a_dry_run_names_what_would_go_and_the_command_drops_it(
    settings, old_months, estimate, told
):
    keep(settings, history=4)
    name = f"{HISTORY}_{in_months(-5):%Y_%m}"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pg_class SET reltuples = %s WHERE relname = %s", [estimate, name])
    out = StringIO()
    call_command("llm_partitions", "--dry-run", stdout=out)
    assert f"Would drop {name}, which is too old, and its {told}." in out.getvalue()
    assert in_months(-5) in months(HISTORY)
    call_command("llm_partitions", stdout=out)
    assert f"Dropped {name}, which is too old." in out.getvalue()
    assert in_months(-5) not in months(HISTORY)


@pytest.mark.django_db
def test_texts_go_after_half_a_year_unless_something_else_is_set(settings):
    settings.LLM_ENVIRONMENT = {}
    partitions.keep_ahead(months_back=8)
    with connection.cursor() as cursor:
        found = retention.expired(cursor)
    assert {expiry.partition.table for expiry in found} == {HISTORY}
    assert [expiry.partition.start for expiry in found] == [in_months(-8), in_months(-7)]
