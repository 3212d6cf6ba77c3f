"""Celery's timers of metrics."""

from celery import shared_task

from metrics import partitions


@shared_task
def keep_partitions_ahead() -> None:
    """Create the months that are missing, and sound the alarm if that didn't help."""
    partitions.keep_ahead_with_alarm()
