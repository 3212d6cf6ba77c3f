"""Celery's timers of metrics."""

import logging

from celery import shared_task

from llmconfig.gateway import stored_responses
from metrics import caller_rollups, partitions, retention, rollups
from metrics.alerts import provider_health, sending, watching
from metrics.errors import PartitionsUnusable
from metrics.patterns import mining
from metrics.quality import scoring
from metrics.reports import weekly_report

# Its worker has other tasks, and the next timer goes on with it a minute later.
CATCH_UP_S = 30

logger = logging.getLogger(__name__)


@shared_task
def keep_partitions_ahead() -> None:
    """Create the months that are missing, and sound the alarm if that didn't help."""
    partitions.keep_ahead_with_alarm()


@shared_task
def drop_expired_months() -> None:
    """Remove what is too old: months of calls, stored responses, alerts that were sent."""
    watching.forget_old_deliveries()
    forgotten = stored_responses.delete_expired()
    if forgotten:
        logger.info("Deleted %s stored responses, which were too old.", forgotten)
    try:
        for partition in retention.drop_expired():
            logger.info("Dropped %s, which was too old.", partition.name)
    except PartitionsUnusable as error:
        logger.warning("%s", error)


@shared_task
def roll_up() -> None:
    """Bring the sums by hour and day up to date, then, for a while, those of days before them."""
    rollups.roll_up()
    caller_rollups.catch_up(seconds=CATCH_UP_S)


@shared_task(soft_time_limit=540, time_limit=600)
def score_answers() -> None:
    """Run the slow checks of quality over answers that wait for them."""
    scoring.score_waiting()


@shared_task(soft_time_limit=1740, time_limit=1800)
def mine_patterns() -> None:
    """Learn from the last days' answers."""
    mining.mine()


@shared_task
def report_last_week() -> None:
    """Make last week's report and send it; safe to repeat."""
    weekly_report.send(weekly_report.report(weekly_report.last_week()))


@shared_task(ignore_result=True, soft_time_limit=110, time_limit=120)
def watch_for_alerts() -> None:
    """See how the providers are doing, and tell what is to be told.

    At once: where lanes keep the workers, the next timer waits for one of them.
    """
    provider_health.refresh()
    watching.watch()
    sending.send_due()


@shared_task(ignore_result=True, soft_time_limit=110, time_limit=120)
def send_alerts() -> None:
    """Send the messages that are due; no receiver holds it up for longer than its timeout."""
    sending.send_due()
