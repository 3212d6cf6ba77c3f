"""Beat goes on in step when the clock is set, and workers' clocks decide nothing."""

import datetime as dt
import json
from typing import Any

import pytest
import time_machine
from django.conf import settings
from redis import Redis

from enrichment import tasks
from enrichment.models import Batch, BatchChunk
from llmconfig.configuration import snapshot
from nodewise.schedule import LANE_QUEUE, TIMER_QUEUE
from nodewise.timers import MARK, SteadyScheduler
from project.celery import app

REVIVE = "enrichment.tasks.revive_stalled_batches"
QUARTER = dt.timedelta(minutes=15)


@pytest.fixture
def beat(tmp_path: Any) -> Any:
    made = []

    def start() -> SteadyScheduler:
        scheduler = SteadyScheduler(
            app, schedule_filename=str(tmp_path / "schedule"), max_interval=0.1
        )
        made.append(scheduler)
        return scheduler

    yield start
    for each in made:
        each.close()


def sent(scheduler: SteadyScheduler) -> bool:
    """Whether the revival is due and goes out within some rounds."""
    broker = Redis.from_url(settings.REDIS_URL)
    broker.flushdb()
    for _ in range(40):
        scheduler.tick()
    return any(REVIVE.encode() in each for each in broker.lrange(TIMER_QUEUE, 0, -1))


@pytest.mark.parametrize("step", [-QUARTER, QUARTER, dt.timedelta(days=-365 * 30)])
def test_timers_go_on_when_the_clock_is_set(beat: Any, step: dt.timedelta) -> None:
    now = dt.datetime.now(dt.UTC)
    with time_machine.travel(now, tick=True) as clock:
        scheduler = beat()
        assert not sent(scheduler)
        clock.shift(6)  # so long takes the interval; no clock was set: see below
        scheduler._anchor += 6
        assert sent(scheduler)
        clock.shift(step)
        assert not sent(scheduler)
        clock.shift(6)
        scheduler._anchor += 6
        assert sent(scheduler)


def test_a_schedule_kept_by_a_clock_that_was_ahead_is_due_now(beat: Any) -> None:
    with time_machine.travel("2042-01-01T00:00Z", tick=True):
        scheduler = beat()
        for entry in scheduler.schedule.values():
            entry.last_run_at = entry.default_now()
        scheduler.close()
    again = beat()
    assert all(each.last_run_at <= each.default_now() for each in again.schedule.values())


def test_a_timer_is_sent_again_only_once_a_worker_has_taken_it(beat: Any) -> None:
    broker = Redis.from_url(settings.REDIS_URL)
    scheduler = beat()
    entry = next(each for each in scheduler.schedule.values() if each.task == REVIVE)
    for _ in range(3):
        scheduler.apply_entry(entry, producer=scheduler.producer)
    assert broker.llen(TIMER_QUEUE) == 1
    assert 0 < broker.pttl(MARK.format(REVIVE)) <= 15_000  # a lost message holds it up no longer
    assert b'"expires": null' in broker.lindex(TIMER_QUEUE, 0)


def test_two_beats_send_each_timer_once(beat: Any, tmp_path: Any) -> None:
    broker = Redis.from_url(settings.REDIS_URL)
    broker.flushdb()
    other = SteadyScheduler(app, schedule_filename=str(tmp_path / "other"), max_interval=0.1)
    try:
        for scheduler in (beat(), other):
            for entry in scheduler.schedule.values():
                scheduler.apply_entry(entry, producer=scheduler.producer)
    finally:
        other.close()
    queued = broker.lrange("celery", 0, -1) + broker.lrange(TIMER_QUEUE, 0, -1)
    sent_tasks = [json.loads(each)["headers"]["task"] for each in queued]
    assert len(sent_tasks) == len(set(sent_tasks)) > len(settings.CELERY_BEAT_SCHEDULE) / 2


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_takes_it_lets_the_next_one_go() -> None:
    broker = Redis.from_url(settings.REDIS_URL)
    broker.set(MARK.format(REVIVE), 1)
    tasks.revive_stalled_batches.apply()
    assert not broker.exists(MARK.format(REVIVE))


@pytest.mark.django_db(transaction=True)
def test_lanes_that_wait_for_a_busy_worker_are_not_queued_again() -> None:
    broker = Redis.from_url(settings.REDIS_URL)
    broker.flushdb()
    snapshot.expire()
    lanes = snapshot.current().processing.get("concurrent_tasks", 1)
    for _ in range(2):
        batch = Batch.objects.create(enrichment="description_cleaning", rows_total=lanes)
        for row in range(lanes):
            BatchChunk.objects.create(batch=batch, row_ids=[str(row)])
    broker.lpush("celery", b"no message of ours")
    for _ in range(3):
        tasks.revive_stalled_batches()
    assert broker.llen("celery") == 1 + 2 * lanes
    assert broker.ltrim("celery", 0, lanes - 1)  # some are lost
    tasks.revive_stalled_batches()
    assert broker.llen("celery") == 2 * lanes


def test_a_worker_of_no_queue_in_particular_serves_lanes_and_timers():
    assert set(app.amqp.queues.consume_from) == {LANE_QUEUE, TIMER_QUEUE}


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("metrics.tasks.watch_for_alerts", TIMER_QUEUE),
        ("metrics.tasks.send_alerts", TIMER_QUEUE),
        ("metrics.tasks.drop_expired_months", TIMER_QUEUE),
        (REVIVE, TIMER_QUEUE),
        # They may take minutes: alerts would wait for them.
        ("metrics.tasks.mine_patterns", LANE_QUEUE),
        ("enrichment.tasks.advance_submissions", LANE_QUEUE),
        (tasks.RUN_LANE, LANE_QUEUE),
    ],
)
def test_alerts_do_not_wait_behind_what_takes_minutes(task, queue):
    assert app.amqp.router.route({}, task)["queue"].name == queue
