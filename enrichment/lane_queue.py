"""Hands lanes, runs and judges to Celery, where it is installed and its broker can be reached."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils.translation import gettext

from enrichment.errors import NoWorkers
from enrichment.models import Batch, EvaluationRun, JudgeCalibration
from llmconfig.errors import ExtraMissing
from llmconfig.extras import from_extra


def work_command(batch: Batch) -> str:
    """What does a batch's work in a shell, without any worker."""
    return f"manage.py llm_batch work {str(batch.pk)[:8]}"


def start_lanes(batch: Batch) -> None:
    """Queue a batch's lanes; raises NoWorkers, and then the reviver starts it once it can."""
    with _told():
        from enrichment import tasks  # noqa: PLC0415 - it brings Celery and the engine

        tasks.start_lanes(batch)


def start_lanes_after_commit(batch: Batch) -> None:
    """As `start_lanes`, but no worker looks for a batch that isn't stored yet (ATOMIC_REQUESTS).

    Inside a transaction a broker that can't be reached is only logged.
    """
    if not transaction.get_connection().in_atomic_block:
        start_lanes(batch)
        return
    with _told():
        transaction.on_commit(lambda: start_lanes(batch), robust=True)


def start_run(run: EvaluationRun) -> None:
    """Have a worker carry a run out; raises NoWorkers, and then it waits to be started again."""
    with _told():
        from enrichment import tasks  # noqa: PLC0415 - it brings Celery and the engine

        tasks.carry_out_run.delay(str(run.pk))


def start_calibration(calibration: JudgeCalibration) -> None:
    """Have a worker calibrate a judge; raises NoWorkers."""
    with _told():
        from enrichment import tasks  # noqa: PLC0415 - it brings Celery and the engine

        tasks.calibrate_judge.delay(str(calibration.pk))


def start_judging(first: EvaluationRun, second: EvaluationRun) -> None:
    """Have a worker ask the judge about two runs; raises NoWorkers."""
    with _told():
        from enrichment import tasks  # noqa: PLC0415 - it brings Celery and the engine

        tasks.judge_runs.delay(str(first.pk), str(second.pk))


@contextmanager
def _told() -> Iterator[None]:
    try:
        with from_extra("worker"):
            import celery  # noqa: F401, PLC0415
            from kombu.exceptions import OperationalError  # noqa: PLC0415
    except ExtraMissing as missing:
        raise NoWorkers(str(missing)) from missing
    try:
        yield
    except OperationalError as error:
        raise NoWorkers(gettext("The broker can't be reached (REDIS_URL).")) from error
