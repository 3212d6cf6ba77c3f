"""One round for one submission: where it stands at the provider, and what follows from it."""

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from enrichment.engine.db_sessions import SESSION_ERRORS
from enrichment.engine.submissions.calls import Step
from enrichment.engine.submissions.work import SubmittedWork
from enrichment.errors import EnrichmentError
from enrichment.models import ProviderBatchSubmission, SubmissionState
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
    work: SubmittedWork,
    step: Step,
    *,
    settle: dt.timedelta,
    fresh: bool = False,
) -> None:
    """What is due for one submission. Its failure is its own: it is noted, and tried again.

    `settle` is the age from which a provider that doesn't know it is believed.
    """
    submission = work.submission
    with _noting(submission):
        _tried(work, step, settle=settle, fresh=fresh)
    if _is_overdue(submission):
        with _noting(submission):
            work.give_up(
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


def _tried(work: SubmittedWork, step: Step, *, settle: dt.timedelta, fresh: bool) -> None:
    """What is due, and what follows where the provider or the configuration doesn't let it."""
    try:
        _go_on(work, step, settle=settle, fresh=fresh)
    except SubmissionFailed as failure:
        logger.warning("Submission %s: %s", work.submission.pk, failure)
        _failed(work, failure, settle=settle)
    except (ConfigurationError, EnrichmentError) as error:
        logger.warning("Submission %s waits: %s", work.submission.pk, error)
        _note(work.submission, f"It waits: {error}")


def _failed(work: SubmittedWork, failure: SubmissionFailed, *, settle: dt.timedelta) -> None:
    intended = work.submission.state == SubmissionState.INTENDED
    if failure.queue_full and intended:
        work.wait_for_queue(str(failure), settle=settle)
    elif failure.nameless:
        work.give_up(str(failure), billed=True)
    elif failure.refused and intended:
        work.give_up(str(failure))
    elif failure.gone and _age(work.submission) >= settle:
        why = f"The provider doesn't have it any more: {failure}"
        work.give_up(why, billed=not intended)
    else:
        _note(work.submission, f"It waits for the provider: {failure}")


def _go_on(work: SubmittedWork, step: Step, *, settle: dt.timedelta, fresh: bool) -> None:
    target = work.target()
    intended = work.submission.state == SubmissionState.INTENDED
    if intended and not _hand_over(work, target, step, fresh=fresh):
        return
    polled = _polled(work, target)
    if polled.state is BatchState.FAILED and polled.queue_full:
        work.wait_for_queue(polled.detail, settle=settle)
    elif polled.state is BatchState.FAILED:
        work.give_up(polled.detail or "The provider refused it as a whole.")
    elif polled.state is BatchState.ENDED:
        step("ended")
        work.read(target, polled, step)
    else:
        _note(work.submission, "")


def _hand_over(work: SubmittedWork, target: Target, step: Step, *, fresh: bool) -> bool:
    """Hand an intention over, if that hasn't happened yet; tells whether the provider has it.

    Raises SubmissionFailed and ConfigurationError.
    """
    submission = work.submission
    external_id: str | None = "" if fresh else _found(submission, target)
    if external_id is None:
        return False
    if not external_id:
        if not work.may_begin():
            return False
        requests, marker = work.requests(), submission.pk.hex
        external_id = errands.submit(target, snapshot.current(), requests, marker=marker)
        step("submitted")
    submission.external_id, submission.state = external_id, SubmissionState.SUBMITTED
    submission.detail = ""
    submission.save(update_fields=["external_id", "state", "detail"])
    step("noted")
    return True


def _found(submission: ProviderBatchSubmission, target: Target) -> str | None:
    """The provider's id if it has the batch, blank if not, None while nobody can tell."""
    found = errands.find(
        target, snapshot.current(), marker=submission.pk.hex, since=submission.created_at
    )
    return None if found.undecided else found.external_id


def _polled(work: SubmittedWork, target: Target) -> Polled:
    """Where it stands; one that nobody wants any more, or that is overdue, is cancelled there."""
    submission = work.submission
    configuration, external_id = snapshot.current(), submission.external_id
    polled = errands.poll(target, configuration, external_id=external_id)
    overdue = _is_overdue(submission)
    if polled.state is not BatchState.WORKING or not (overdue or work.is_unwanted()):
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
