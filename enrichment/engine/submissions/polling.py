"""One round for one submission: where it stands at the provider, and what follows from it."""

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from enrichment.batches.lifecycle import complete_if_done
from enrichment.engine.db_sessions import SESSION_ERRORS
from enrichment.engine.submissions import fall_back, hand_over, results
from enrichment.engine.submissions.calls import Step, target_of
from enrichment.engine.submissions.cheap_results import CheapReading
from enrichment.enrichments import get
from enrichment.errors import EnrichmentError
from enrichment.models import BatchStatus, ProviderBatchSubmission, SubmissionState
from enrichment.models.batches import UNFINISHED
from llmconfig.client.provider_batches import BatchState, Polled, SubmissionFailed, errands
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Target
from llmconfig.errors import ConfigurationError
from llmconfig.runtime import database_clock

logger = logging.getLogger(__name__)

# Both vendors end a batch within 24 hours; one that hasn't ended after twice as long never will.
MAX_AGE = dt.timedelta(hours=48)


def go_on(
    submission: ProviderBatchSubmission,
    step: Step,
    *,
    settle: dt.timedelta,
    fresh: bool = False,
) -> None:
    """What is due for one submission. Its failure is its own: it is noted, and tried again.

    `settle` is the age from which a provider that doesn't know it is believed.
    """
    with _noting(submission):
        _tried(submission, step, settle=settle, fresh=fresh)
    if _is_overdue(submission):
        with _noting(submission):
            fall_back.give_up(
                submission,
                f"The provider hasn't ended it within {_hours(MAX_AGE)}.",
                billed=bool(submission.external_id),
            )


@contextmanager
def _noting(submission: ProviderBatchSubmission) -> Iterator[None]:
    """An error of ours is this submission's alone."""
    try:
        yield
    except SESSION_ERRORS:
        raise
    except Exception as error:
        logger.exception("Submission %s failed.", submission.pk)
        _note(submission, f"It waits, for an error of Nodewise's: {type(error).__name__}.")


def _tried(
    submission: ProviderBatchSubmission, step: Step, *, settle: dt.timedelta, fresh: bool
) -> None:
    """What is due, and what follows where the provider or the configuration doesn't let it."""
    try:
        _go_on(submission, step, settle=settle, fresh=fresh)
    except SubmissionFailed as failure:
        logger.warning("Submission %s: %s", submission.pk, failure)
        _failed(submission, failure, settle=settle)
    except (ConfigurationError, EnrichmentError) as error:
        logger.warning("Submission %s waits: %s", submission.pk, error)
        _note(submission, f"It waits: {error}")


def _failed(
    submission: ProviderBatchSubmission, failure: SubmissionFailed, *, settle: dt.timedelta
) -> None:
    intended = submission.state == SubmissionState.INTENDED
    if failure.queue_full and intended:
        hand_over.wait_for_queue(submission, str(failure), settle=settle)
    elif failure.nameless:
        fall_back.give_up(submission, str(failure), billed=True)
    elif failure.refused and intended:
        fall_back.give_up(submission, str(failure))
    elif failure.gone and _age(submission) >= settle:
        why = f"The provider doesn't have it any more: {failure}"
        fall_back.give_up(submission, why, billed=not intended)
    else:
        _note(submission, f"It waits for the provider: {failure}")


def _go_on(
    submission: ProviderBatchSubmission, step: Step, *, settle: dt.timedelta, fresh: bool
) -> None:
    enrichment = get(submission.chunk.batch.enrichment)
    target = target_of(submission, enrichment)
    if submission.state == SubmissionState.INTENDED and not hand_over.hand_over(
        submission, enrichment, target, step, fresh=fresh
    ):
        return
    polled = _polled(submission, target)
    if polled.state is BatchState.FAILED and polled.queue_full:
        hand_over.wait_for_queue(submission, polled.detail, settle=settle)
    elif polled.state is BatchState.FAILED:
        fall_back.give_up(submission, polled.detail or "The provider refused it as a whole.")
    elif polled.state is BatchState.ENDED:
        step("ended")
        kind = CheapReading if submission.asks_cheap else results.ResultsReading
        results.read(kind(submission, enrichment, target, step), polled)
        step("applied")
        complete_if_done(submission.chunk.batch_id)
    else:
        _note(submission, "")


def _polled(submission: ProviderBatchSubmission, target: Target) -> Polled:
    """Where it stands; one that nobody wants any more, or that is overdue, is cancelled there."""
    configuration, external_id = snapshot.current(), submission.external_id
    polled = errands.poll(target, configuration, external_id=external_id)
    overdue = _is_overdue(submission)
    unwanted = submission.chunk.batch.status == BatchStatus.CANCELLED or overdue
    if polled.state is not BatchState.WORKING or not unwanted:
        return polled
    try:
        errands.cancel(target, configuration, external_id=external_id)
        # What was answered by then is paid; it may be there at once.
        return errands.poll(target, configuration, external_id=external_id) if overdue else polled
    except SubmissionFailed as failure:
        logger.warning("Submission %s can't be cancelled: %s", submission.pk, failure)
        return polled


def _note(submission: ProviderBatchSubmission, detail: str) -> None:
    """Have the batch's page tell what an unfinished one waits for."""
    ProviderBatchSubmission.objects.filter(pk=submission.pk, state__in=list(UNFINISHED)).exclude(
        detail=detail
    ).update(detail=detail)


def _age(submission: ProviderBatchSubmission) -> dt.timedelta:
    return database_clock.now() - submission.created_at


def _is_overdue(submission: ProviderBatchSubmission) -> bool:
    return _age(submission) >= MAX_AGE


def _hours(span: dt.timedelta) -> str:
    return f"{span.total_seconds() / 3600:.0f} hours"
