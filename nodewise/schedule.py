"""The timers that batches, sums and alerts live by, and the queue of those that may not wait.

`CELERY_BEAT_SCHEDULE = SCHEDULE` in the settings; with `CELERY_TASK_QUEUES = QUEUES` and
`CELERY_TASK_ROUTES = ROUTES` too, a worker with `--queues=timers` serves the short ones while lanes
of batches keep all processes of the others. A worker without `--queues` serves both.
"""

from typing import Any

from django.utils.functional import SimpleLazyObject

from llmconfig.errors import ExtraMissing
from llmconfig.extras import how_to_install, installed

if not installed("celery"):
    raise ExtraMissing(how_to_install("celery", "worker"))


def crontab(**when: int) -> Any:
    """Celery's, made when beat first asks: settings are read by all, Celery only by workers."""

    def made() -> Any:
        from celery.schedules import crontab as of_celery  # noqa: PLC0415 - see above

        return of_celery(**when)

    return SimpleLazyObject(made)


def _queues() -> Any:
    from kombu import Queue  # noqa: PLC0415 - see above

    return (Queue(LANE_QUEUE), Queue(TIMER_QUEUE))


LANE_QUEUE = "celery"  # Celery's own default: lanes of batches, and whatever takes minutes
TIMER_QUEUE = "timers"
QUEUES: Any = SimpleLazyObject(_queues)

SCHEDULE: dict[str, dict[str, Any]] = {
    "revive-stalled-batches": {
        "task": "enrichment.tasks.revive_stalled_batches",
        "schedule": 5.0,
    },
    "start-automatic-batches": {
        "task": "enrichment.tasks.start_automatic_batches",
        "schedule": 30.0,
    },
    "start-planned-batches": {
        "task": "enrichment.tasks.start_planned_batches",
        "schedule": 30.0,
    },
    "advance-submissions": {
        "task": "enrichment.tasks.advance_submissions",
        "schedule": 15.0,
    },
    "forget-old-facts": {
        "task": "enrichment.tasks.forget_old_facts",
        "schedule": 6 * 3600.0,
    },
    "keep-partitions-ahead": {
        "task": "metrics.tasks.keep_partitions_ahead",
        "schedule": 6 * 3600.0,
    },
    "drop-expired-months": {
        "task": "metrics.tasks.drop_expired_months",
        "schedule": 6 * 3600.0,
    },
    "roll-up-metrics": {"task": "metrics.tasks.roll_up", "schedule": 60.0},
    "watch-for-alerts": {"task": "metrics.tasks.watch_for_alerts", "schedule": 15.0},
    "send-alerts": {"task": "metrics.tasks.send_alerts", "schedule": 10.0},
    "mine-patterns": {
        "task": "metrics.tasks.mine_patterns",
        "schedule": crontab(hour=3, minute=40),
    },
    "score-answers": {
        "task": "metrics.tasks.score_answers",
        "schedule": 30.0,
    },
    "report-last-week": {
        "task": "metrics.tasks.report_last_week",
        "schedule": crontab(minute=0, hour=6, day_of_week=1),
    },
}

# They may take minutes, and nobody waits for them: they go where the lanes go.
LONG_TIMERS = frozenset({"advance-submissions", "mine-patterns", "score-answers"})
ROUTES: dict[str, dict[str, str]] = {
    timer["task"]: {"queue": TIMER_QUEUE}
    for name, timer in SCHEDULE.items()
    if name not in LONG_TIMERS
}
