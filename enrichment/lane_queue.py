"""Hands a batch's lanes to Celery, where it is installed and its broker can be reached."""

from enrichment.errors import NoWorkers
from enrichment.models import Batch
from llmconfig.errors import ExtraMissing
from llmconfig.extras import from_extra


def work_command(batch: Batch) -> str:
    """What does a batch's work in a shell, without any worker."""
    return f"manage.py llm_batch work {str(batch.pk)[:8]}"


def start_lanes(batch: Batch) -> None:
    """Queue a batch's lanes; raises NoWorkers, and then the reviver starts it once it can."""
    try:
        with from_extra("worker"):
            import celery  # noqa: F401, PLC0415
            from kombu.exceptions import OperationalError  # noqa: PLC0415
    except ExtraMissing as missing:
        raise NoWorkers(str(missing)) from missing
    from enrichment import tasks  # noqa: PLC0415 - it brings Celery and the engine

    try:
        tasks.start_lanes(batch)
    except OperationalError as error:
        raise NoWorkers("The broker can't be reached (REDIS_URL).") from error
