"""Looks after all submissions of batches, one process at a time.

Each step is committed before the next one begins, so that a death anywhere leaves a state from
which `advance` goes on; `step` is told of each one as it is done.
"""

import datetime as dt
import logging

from django.db.models import Exists, OuterRef

from enrichment.batches import lifecycle
from enrichment.engine.db_sessions import SESSION_ERRORS, alone
from enrichment.engine.submissions import hand_over, polling
from enrichment.engine.submissions.calls import Step
from enrichment.engine.submissions.chunk_work import ChunkWork
from enrichment.errors import EnrichmentError
from enrichment.models import CheapAnswer, ProviderBatchSubmission, SubmissionState
from enrichment.models.batches import TERMINAL, UNFINISHED
from llmconfig.configuration import snapshot
from llmconfig.runtime import advisory_locks, database_clock
from llmconfig.runtime.direct_sessions import direct_session

logger = logging.getLogger(__name__)

SETTLE = dt.timedelta(seconds=60)


@direct_session()
def advance(*, step: Step = lambda _done: None, settle: dt.timedelta = SETTLE) -> None:
    """Do what is due for all chunks that are left to providers; nothing while another does.

    An intention that a dead process left is looked up at the provider once it is `settle` old: its
    request may still have been on its way. So is a provider's word that it has no such batch. A
    chunk that found the provider's queue full is handed over again after `settle`, then after
    twice as long each time.
    """
    with alone(advisory_locks.SUBMISSIONS) as ours:
        if ours:
            _advance(step, settle)


def is_due(submission: ProviderBatchSubmission, settle: dt.timedelta) -> bool:
    """Whether it may be looked after: an intention's request may still be on its way."""
    only_meant = submission.state == SubmissionState.INTENDED
    return not only_meant or database_clock.now() - submission.created_at >= settle


def _advance(step: Step, settle: dt.timedelta) -> None:
    for submission in _unfinished():
        if is_due(submission, settle):
            polling.go_on(ChunkWork(submission), step, settle=settle)
    _forget_cheap_answers()
    if not snapshot.current().processing.get("enabled", False):
        return
    for chunk in hand_over.due_chunks():
        lifecycle.start(chunk.batch_id)
        try:
            intended = hand_over.intend(chunk)
        except EnrichmentError as error:
            lifecycle.pause_for(chunk.batch, str(error))
            continue
        except SESSION_ERRORS:
            raise
        except Exception as error:
            logger.exception("Chunk %s can't be handed over.", chunk.pk)
            why = f"A chunk of it can't be handed over: {type(error).__name__}; see the log."
            lifecycle.pause_for(chunk.batch, why)
            continue
        if intended is not None:
            step("intended")
            polling.go_on(ChunkWork(intended), step, settle=settle, fresh=True)


def _forget_cheap_answers() -> None:
    """Those of ended batches; while one is still at a provider, they tell what is recorded."""
    at_provider = ProviderBatchSubmission.objects.filter(
        chunk__batch=OuterRef("batch"), state__in=list(UNFINISHED)
    )
    ended = CheapAnswer.objects.filter(batch__status__in=TERMINAL)
    ended.filter(~Exists(at_provider)).delete()


def _unfinished() -> list[ProviderBatchSubmission]:
    return list(
        ProviderBatchSubmission.objects.filter(state__in=list(UNFINISHED), chunk__isnull=False)
        .select_related("chunk__batch")
        .order_by("created_at")
    )
