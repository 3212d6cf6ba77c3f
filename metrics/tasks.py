"""Celery's timers of metrics."""

from celery import shared_task

from metrics import partitions, rollups


@shared_task
def keep_partitions_ahead() -> None:
    """Create the months that are missing, and sound the alarm if that didn't help."""
    partitions.keep_ahead_with_alarm()


@shared_task
def roll_up() -> None:
    """Bring the sums by hour and day up to date."""
    rollups.roll_up()
