"""Rollups tell what calls and answers tell, whatever was written late, twice, changed, removed."""

import datetime as dt
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, transaction
from psycopg.errors import SerializationFailure
from uuid_utils.compat import uuid7

from llmconfig.runtime.records import replace
from metrics import partitions, rollups
from metrics.models import (
    DailyQuality,
    DailyRollup,
    DirtyHour,
    GenerationHistory,
    GenerationMetric,
    HourlyQuality,
    HourlyRollup,
)
from metrics.recording import record_call, write_records
from metrics.tasks import roll_up
from tests.metrics.calls import TEXTS, a_record

HOUR = dt.timedelta(hours=1)
FINEST = tuple(rollups.DIMENSIONS)
# Each table and view with its period and dimensions; those that are never behind come last.
TABLES = {
    "llm_metrics_hourly": ("hour", FINEST),
    "llm_metrics_daily": ("day", FINEST),
    "llm_metrics_overview": ("day", rollups.OVERVIEW),
    "llm_metrics_by_hour": ("hour", FINEST),
    "llm_metrics_by_day": ("day", FINEST),
    "llm_metrics_overview_by_day": ("day", rollups.OVERVIEW),
}
NEVER_BEHIND = tuple(TABLES)[3:]
QUALITY_TABLES = {
    "llm_quality_hourly": "hour",
    "llm_quality_daily": "day",
    "llm_quality_by_hour": "hour",
    "llm_quality_by_day": "day",
}
QUALITY_NEVER_BEHIND = tuple(QUALITY_TABLES)[2:]
QUALITY_OF_ANSWERS = """
SELECT date_trunc('{grain}', h.created_at, 'UTC'), h.method_name, m.provider, m.model_used,
    m.operation_type, m.prompt_version, count(*), sum(h.validation_passed::int),
    count(h.user_accepted), count(*) FILTER (WHERE h.user_accepted),
    count(*) FILTER (WHERE h.user_accepted IS NOT NULL AND h.manual_edits_required),
    count(h.quality_score), round(coalesce(sum(h.quality_score), 0)::numeric, 6),
    round(coalesce(sum(power(h.quality_score, 2)), 0)::numeric, 6),
    count(m.syntax_valid), count(*) FILTER (WHERE m.syntax_valid),
    count(m.has_type_hints), count(*) FILTER (WHERE m.has_type_hints),
    count(m.onex_compliant), count(*) FILTER (WHERE m.onex_compliant),
    count(m.security_issues), count(*) FILTER (WHERE m.security_issues = '[]')
FROM llm_generation_history AS h LEFT JOIN llm_generation_metrics AS m
    ON m.correlation_id = h.correlation_id
    AND date_trunc('hour', m.created_at, 'UTC') = date_trunc('hour', h.created_at, 'UTC')
GROUP BY 1, 2, 3, 4, 5, 6
"""
SUMS = (
    "count(*), count(*) FILTER (WHERE cost_usd IS NULL), count(*) FILTER (WHERE cache_hit),"
    " sum(tokens_input), sum(tokens_output), sum(tokens_cached_input), sum(tokens_cache_write),"
    " sum(tokens_reasoning), sum(cost_usd), sum(saved_usd), round(sum(latency_ms)::numeric, 3),"
    " array_agg(least(255, floor(8 * ln(greatest(latency_ms, 1)) / ln(2)))::int)"
)
SUMMED = (
    "sum(calls), sum(unpriced), sum(cache_hits), sum(tokens_input), sum(tokens_output),"
    " sum(tokens_cached_input), sum(tokens_cache_write), sum(tokens_reasoning), sum(cost_usd),"
    " sum(saved_usd), round(sum(latency_sum_ms)::numeric, 3)"
)


def query(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def some_hour(chance):
    """Near midnights, in the last day of last month and the first two of this one."""
    start = partitions.month_start(partitions.utc_now())
    return start + dt.timedelta(hours=chance.randrange(-30, 30), seconds=chance.random() * 3600)


def any_record(chance):
    return a_record(
        created_at=some_hour(chance),
        node=chance.choice(["cleaning", "profile"]),
        model=chance.choice(["gpt-4o", "qwen-32b"]),
        error_code=chance.choice(["", "", "timeout"]),
        cost_usd=chance.choice([None, Decimal(chance.randrange(10_000)) / 7]),
        latency_ms=chance.choice([0, 0.4, 1, 2, 1e9, chance.uniform(1, 90_000)]),
        cache_hit=chance.random() < 0.2,
    )


def of_calls(grain, dimensions):
    """What the calls say, by period and dimensions, and how many are in each latency class."""
    group = f"date_trunc('{grain}', created_at, 'UTC'), {', '.join(dimensions)}"
    width = 1 + len(dimensions)
    found = {}
    for row in query(f"SELECT {group}, {SUMS} FROM llm_generation_metrics GROUP BY {group}"):
        found[row[:width]] = (*row[width:-1], Counter(row[-1]))
    return found


def of_rollup(table, dimensions):
    """The same from a rollup or a view of one."""
    group = f"period_start, {', '.join(dimensions)}"
    width = 1 + len(dimensions)
    sums = query(f"SELECT {group}, {SUMMED} FROM {table} GROUP BY {group}")
    found = {row[:width]: row[width:] for row in sums}
    classes: dict[Any, Counter[Any]] = {key: Counter() for key in found}
    for row in query(
        f"SELECT {group}, bucket, number FROM {table},"
        " unnest(latency_buckets, latency_counts) AS class (bucket, number)"
    ):
        classes[row[:width]][row[width]] += row[width + 1]
    return {key: (*sums, classes[key]) for key, sums in found.items()}


def assert_all_agree(tables=tuple(TABLES)):
    for table in tables:
        grain, dimensions = TABLES[table]
        assert of_rollup(table, dimensions) == of_calls(grain, dimensions), table


def assert_quality_agrees(tables=tuple(QUALITY_TABLES)):
    group = ", ".join(("period_start", *rollups.QUALITY))
    sums = ", ".join(
        f"round(sum({name})::numeric, 6)" if name.startswith("score_") else f"sum({name})"
        for name in rollups.QUALITY_SUMS
    )
    for table in tables:
        told = query(f"SELECT {group}, {sums} FROM {table} GROUP BY {group}")
        answers = query(QUALITY_OF_ANSWERS.format(grain=QUALITY_TABLES[table]))
        assert Counter(told) == Counter(answers), table


def write(records):
    with transaction.atomic(), connection.cursor() as cursor:
        write_records(cursor, [(record, TEXTS) for record in records])


def disturb(chance):
    """One write of any kind."""
    kind = chance.randrange(9)
    written = list(GenerationMetric.objects.values_list("id", flat=True)[:200])
    chosen = chance.sample(written, min(len(written), 5))
    rows = GenerationMetric.objects.filter(pk__in=chosen)
    if kind == 0:
        write([any_record(chance) for _ in range(chance.randrange(1, 40))])
    elif kind == 1:
        record = any_record(chance)
        write([record, replace(record, id=uuid7())])  # the same call twice
    elif kind == 2:
        rows.update(cost_usd=Decimal(chance.randrange(100)))
    elif kind == 3:
        rows.update(created_at=some_hour(chance))  # to another hour, maybe another month
    elif kind == 4:
        rows.delete()
    elif kind == 5:
        rows.update(
            syntax_valid=chance.choice([None, True, False]),
            security_issues=chance.choice([[], [{"severity": "high"}]]),
        )
    elif kind == 6:
        disturb_answers(chance)
    elif kind == 7:
        GenerationHistory.objects.filter(
            created_at__gte=some_hour(chance), quality_score__lt=0.2
        ).delete()
    else:
        with transaction.atomic():
            write([any_record(chance)])
            transaction.set_rollback(True)


def disturb_answers(chance):
    """A score, a verdict, or another hour for some of the texts."""
    written = list(GenerationHistory.objects.values_list("id", flat=True)[:200])
    chosen = chance.sample(written, min(len(written), 5))
    accepted = chance.choice([None, True, False])
    GenerationHistory.objects.filter(pk__in=chosen).update(
        quality_score=chance.choice([None, chance.random()]),
        validation_passed=chance.random() < 0.5,
        user_accepted=accepted,
        manual_edits_required=chance.choice([None, True]),
        **({"created_at": some_hour(chance)} if chance.random() < 0.2 else {}),
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(3))
def test_rollups_equal_the_calls_after_any_sequence_of_writes(seed):
    chance = random.Random(seed)
    write([any_record(chance) for _ in range(20)])
    for _ in range(5):
        for _ in range(chance.randrange(1, 6)):
            disturb(chance)
        assert_all_agree(NEVER_BEHIND)  # also before they are up to date
        assert_quality_agrees(QUALITY_NEVER_BEHIND)
        rollups.roll_up()
        assert not DirtyHour.objects.exists()
        assert_all_agree()
        assert_quality_agrees()
    assert query("SELECT count(*) FROM llm_metrics_overview") > [(0,)]
    assert query("SELECT count(*) FROM llm_quality_daily") > [(0,)]


@pytest.mark.django_db(transaction=True)
def test_rollups_equal_the_calls_after_writers_and_rollups_ran_at_once():
    def keep_writing(seed):
        chance = random.Random(seed)
        try:
            for _ in range(15):
                try:
                    disturb(chance)
                except OperationalError as refused:
                    # PostgreSQL follows no row that another writer just moved to another month.
                    if not isinstance(refused.__cause__, SerializationFailure):
                        raise
                if seed % 2:
                    rollups.roll_up()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(keep_writing, range(4)))
    assert_all_agree(NEVER_BEHIND)
    assert_quality_agrees(QUALITY_NEVER_BEHIND)
    rollups.roll_up()
    assert_all_agree()
    assert_quality_agrees()


@pytest.mark.django_db(transaction=True)
def test_a_write_that_commits_after_the_rollup_began_is_counted_the_next_time():
    write([any_record(random.Random(1))])
    writer = connection.copy()
    try:
        writer.set_autocommit(False)
        with writer.cursor() as cursor:
            write_records(cursor, [(a_record(), TEXTS)])
        execute("SET lock_timeout = '2s'")  # neither waits for the other
        assert rollups.roll_up() == 1
        assert rollups.roll_up() == 0
        writer.commit()
    finally:
        execute("RESET lock_timeout")
        writer.close()
    assert rollups.roll_up() == 1
    assert_all_agree()


@pytest.mark.django_db(transaction=True)
def test_writers_of_the_same_hour_dont_wait_for_each_other():
    moment = dt.datetime.now(dt.UTC)
    first = connection.copy()
    try:
        first.set_autocommit(False)
        with first.cursor() as cursor:
            write_records(cursor, [(a_record(created_at=moment), TEXTS)])
        with transaction.atomic():
            execute("SET LOCAL lock_timeout = '500ms'")
            record_call(a_record(created_at=moment), TEXTS)
        first.commit()
    finally:
        first.close()
    assert GenerationMetric.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/St_Johns", "Europe/Berlin"])
def test_hours_and_days_begin_in_utc_whatever_the_time_zone_of_who_writes(zone):
    moment = dt.datetime.now(dt.UTC).replace(hour=21, minute=20)
    execute(f"SET LOCAL TIME ZONE '{zone}'")
    record_call(a_record(created_at=moment), TEXTS)
    execute("SET LOCAL TIME ZONE 'UTC'")
    rollups.roll_up()
    start = moment.replace(minute=0, second=0, microsecond=0)
    assert HourlyRollup.objects.get().period_start == start
    assert DailyRollup.objects.get().period_start == start.replace(hour=0)


@pytest.mark.django_db
def test_a_truncated_table_leaves_no_sums():
    record_call(a_record(), TEXTS)
    rollups.roll_up()
    execute("TRUNCATE llm_generation_metrics")
    assert query("SELECT count(*) FROM llm_metrics_by_day") == [(0,)]
    rollups.roll_up()
    assert not HourlyRollup.objects.exists()
    assert not DailyRollup.objects.exists()
    execute("TRUNCATE llm_generation_history")
    assert query("SELECT count(*) FROM llm_quality_by_day") == [(0,)]
    rollups.roll_up()
    assert not HourlyQuality.objects.exists()


@pytest.mark.django_db
def test_sums_outlive_the_month_that_they_came_from():
    long_ago = dt.datetime(2020, 3, 5, 6, 7, tzinfo=dt.UTC)
    partitions.keep_ahead(now=long_ago)
    record_call(a_record(created_at=long_ago), TEXTS)
    rollups.roll_up()
    DirtyHour.objects.create(hour=long_ago.replace(minute=0))
    execute("DROP TABLE llm_generation_history_2020_03")
    assert rollups.roll_up() == 1
    assert (HourlyQuality.objects.get().answers, DailyQuality.objects.get().answers) == (1, 1)
    DirtyHour.objects.create(hour=long_ago.replace(minute=0))
    execute("DROP TABLE llm_generation_metrics_2020_03")
    assert rollups.roll_up() == 0
    assert not DirtyHour.objects.exists()
    assert HourlyRollup.objects.get().calls == DailyRollup.objects.get().calls == 1


@pytest.mark.django_db
def test_a_program_that_may_only_insert_calls_still_can():
    execute("CREATE ROLE llm_inserter")
    execute("GRANT INSERT ON llm_generation_metrics TO llm_inserter")
    execute("SET LOCAL ROLE llm_inserter")
    execute(
        "INSERT INTO llm_generation_metrics (correlation_id, node_type, service_name, method_name,"
        f" model_used) VALUES ('{uuid4()}', 'effect', 's', 'm', 'glm-4.5')"
    )
    execute("RESET ROLE")
    assert DirtyHour.objects.count() == 1


@pytest.mark.django_db
def test_the_timer_rolls_up():
    record_call(a_record(), TEXTS)
    roll_up()
    assert HourlyRollup.objects.get().calls == 1


@pytest.mark.django_db
def test_the_trend_views_say_what_the_calls_say():
    record_call(a_record(cost_usd=Decimal("0.5"), saved_usd=None, cache_hit=False), TEXTS)
    record_call(a_record(cost_usd=None, error_code="timeout"), TEXTS)
    assert query("SELECT calls, failed, unpriced, cost_usd FROM llm_cost_trends") == [
        (2, 1, 1, Decimal("0.5000000000"))
    ]
    assert query("SELECT answers, passed, accepted, rejected FROM llm_quality_trends") == [
        (2, 1, 0, 0)
    ]
