"""Celery's part: it runs lanes and the reviver. No state lives here or in the broker."""

import json
import logging
from collections import Counter
from typing import Any
from uuid import UUID

from celery import current_app, shared_task
from celery.signals import worker_init
from django.db import connections
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from enrichment.batches import automatic, lifecycle, schedules
from enrichment.engine import shift, submissions
from enrichment.engine.db_sessions import SESSION_ERRORS
from enrichment.engine.reaper import lanes_to_queue
from enrichment.enrichments import coded
from enrichment.errors import EnrichmentError
from enrichment.evaluations import judges, runs
from enrichment.evaluations.at_provider import rounds
from enrichment.facts import store
from enrichment.models import Batch, EvaluationRun, JudgeCalibration
from enrichment.quality import patterns
from llmconfig import project_settings
from llmconfig.configuration import snapshot
from llmconfig.configuration.sync.at_start import sync_at_start
from llmconfig.errors import LLMError
from llmconfig.runtime.green_threads import refuse_green_threads

logger = logging.getLogger(__name__)

RUN_LANE, CARRY_OUT_RUN = "enrichment.tasks.run_lane", "enrichment.tasks.carry_out_run"
CALIBRATE_JUDGE = "enrichment.tasks.calibrate_judge"
MAX_LOOKED_AT = 5_000  # messages of the queue
refuse_green_threads()  # a worker of theirs doesn't start
if project_settings.celery_app():
    import_string(project_settings.celery_app())  # by which these are sent


@worker_init.connect(dispatch_uid="nodewise-sync-at-start")
def sync_configuration(**_: Any) -> None:
    """Once, in the parent; its connection isn't the children's."""
    sync_at_start()
    connections.close_all()


@worker_init.connect(dispatch_uid="nodewise-load-enrichments")
def load_enrichments(**_: Any) -> None:
    """Once, in the parent, so that its children share the memory of what judges their answers."""
    coded()
    patterns.compile_all()


@shared_task(name=RUN_LANE, ignore_result=True)
def run_lane(batch_id: str) -> None:
    """Work for a minute on the batches whose turn it is, then queue a lane if there is more."""
    try:
        following = shift.work(UUID(batch_id))
        if following is not None:
            run_lane.delay(str(following))
    except Batch.DoesNotExist:
        logger.warning("Batch %s no longer exists; its lane ends.", batch_id)
    except SESSION_ERRORS as error:
        logger.warning("Batch %s: a lane ends, the reviver starts another: %s", batch_id, error)
    except OperationalError:
        logger.warning("Batch %s: no broker; the reviver starts its next lane.", batch_id)


@shared_task(name="enrichment.tasks.revive_stalled_batches", ignore_result=True)
def revive_stalled_batches() -> None:
    """Queue the lanes that are missing; surplus ones end at once, so doing it twice is safe.

    Batches that a spent budget paused go on first, where it has room again.
    Those that wait in the queue already, because all workers are busy, aren't missing: or the queue
    would grow with every look.
    """
    lifecycle.go_on_within_budgets()
    missing, unattended, alone = lanes_to_queue(), runs.unattended(), judges.unattended()
    queued = _queued_work() if missing or unattended or alone else Counter()
    for batch_id, lanes in missing.items():
        for _ in range(lanes - queued[str(batch_id)]):
            run_lane.delay(str(batch_id))
    for run in unattended:
        if not queued[str(run.pk)]:
            carry_out_run.delay(str(run.pk))
    for calibration in alone:
        if not queued[str(calibration.pk)]:
            calibrate_judge.delay(str(calibration.pk))


def _queued_work() -> Counter[str]:
    """How many lanes of each batch wait in the broker's queue, which runs and which calibrations;
    none where it can't be looked at.
    """
    found: Counter[str] = Counter()
    try:
        with current_app.connection_for_read() as connection:
            channel: Any = connection.default_channel
            messages = channel.client.lrange(  # only Redis has it
                current_app.conf.task_default_queue, 0, MAX_LOOKED_AT
            )
    except (AttributeError, OperationalError, RedisError, OSError):
        return found
    for message in messages:
        try:
            headers = json.loads(message)["headers"]
            if headers["task"] in {RUN_LANE, CARRY_OUT_RUN, CALIBRATE_JUDGE}:
                found[headers["argsrepr"].strip("(),'\"")] += 1
        except (ValueError, LookupError, TypeError, AttributeError):
            continue  # no message of ours
    return found


@shared_task(name="enrichment.tasks.start_automatic_batches", ignore_result=True)
def start_automatic_batches() -> None:
    """Enrich what is new or changed since, where a person has begun it."""
    for batch in automatic.start_due():
        start_lanes(batch)


@shared_task(name="enrichment.tasks.start_planned_batches", ignore_result=True)
def start_planned_batches() -> None:
    """Start the batches that people planned for now."""
    for batch in schedules.start_due():
        start_lanes(batch)


@shared_task(name="enrichment.tasks.advance_submissions", ignore_result=True)
def advance_submissions() -> None:
    """Hand chunks and runs over to providers, and fetch what they have worked off."""
    submissions.advance()
    rounds.advance()


@shared_task(name="enrichment.tasks.forget_old_facts", ignore_result=True)
def forget_old_facts() -> None:
    """Delete what sources said a month beyond its time to live."""
    store.forget_old()


@shared_task(name=CARRY_OUT_RUN, ignore_result=True)
def carry_out_run(run_id: str) -> None:
    """Ask about the cases of an evaluation's run that have no answer yet."""
    try:
        runs.carry_out(UUID(run_id))
    except EvaluationRun.DoesNotExist:
        logger.warning("Run %s no longer exists.", run_id)


@shared_task(name=CALIBRATE_JUDGE, ignore_result=True)
def calibrate_judge(calibration_id: str) -> None:
    """Hold a judge against reviewers' verdicts."""
    try:
        judges.calibrate(UUID(calibration_id))
    except JudgeCalibration.DoesNotExist:
        logger.warning("Calibration %s no longer exists.", calibration_id)


@shared_task(name="enrichment.tasks.judge_runs", ignore_result=True)
def judge_runs(first_id: str, second_id: str) -> None:
    """Have the judge compare two runs' answers."""
    rows = EvaluationRun.objects.select_related("evaluation_set")
    try:
        judges.judge_runs(rows.get(pk=first_id), rows.get(pk=second_id))
    except (EvaluationRun.DoesNotExist, EnrichmentError, LLMError) as error:
        logger.warning("The judge can't compare %s and %s: %s", first_id, second_id, error)


def start_lanes(batch: Batch) -> None:
    """Queue a batch's lanes. Raises kombu's OperationalError when the broker can't be reached;
    the batch then waits, and the reviver starts it once the broker is back."""
    for _ in range(snapshot.current().processing.get("concurrent_tasks", 1)):
        run_lane.delay(str(batch.pk))
