"""Chunks that the provider works off as batches of its own: handed over once, applied once.

Each step is committed before the next one begins, so that a death anywhere leaves a state from
which `advance` goes on; `step` hears of each one as it is done.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Callable, Sequence

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from enrichment.engine import writing
from enrichment.engine.claims import Claim
from enrichment.engine.items import Item, Outcome, answer_all, call_for, judged, load_items
from enrichment.engine.lanes import complete_if_done, pause_for
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import EnrichmentError
from enrichment.facts import questions
from enrichment.models import (
    Batch,
    BatchChunk,
    BatchStatus,
    ChunkStatus,
    ProviderBatchSubmission,
    ResultState,
    SubmissionState,
)
from enrichment.models.batches import WORKABLE
from enrichment.quality_report import told_of_failure
from llmconfig.client.provider_batches import Request, State, SubmissionFailed, errands, money
from llmconfig.client.provider_batches.answers import Answered, body_of, read, target_of
from llmconfig.client.traffic import budgets
from llmconfig.client.traffic.budgets import Verdict
from llmconfig.client.types import Call
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Target, resolve
from llmconfig.errors import ConfigurationError, GenerationFailed

logger = logging.getLogger(__name__)

Step = Callable[[str], object]
_LOCK = 0x6E6F6466  # any number of our own: one process at a time looks after submissions
SETTLE = dt.timedelta(seconds=60)
CHANGED = "The row or its prompt changed while it was at the provider."
UNFINISHED = (SubmissionState.INTENDED, SubmissionState.SUBMITTED)


def advance(*, step: Step = lambda _done: None, settle: dt.timedelta = SETTLE) -> None:
    """Do what is due for all chunks that are left to providers; nothing while another does.

    An intention that a dead process left is looked up at the provider once it is `settle` old: its
    request may still have been on its way.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return
        try:
            _advance(step, settle)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _advance(step: Step, settle: dt.timedelta) -> None:
    for submission in _unfinished():
        only_meant = submission.state == SubmissionState.INTENDED
        if not only_meant or timezone.now() - submission.created_at >= settle:
            _attempt(submission, step)
    if not snapshot.current().processing.get("enabled", False):
        return
    waiting = BatchChunk.objects.filter(
        status=ChunkStatus.AWAY, submission__isnull=True, batch__status__in=WORKABLE
    )
    for chunk in waiting.select_related("batch").order_by("-batch__priority", "id"):
        Batch.objects.filter(pk=chunk.batch_id, status=BatchStatus.PENDING).update(
            status=BatchStatus.RUNNING, status_reason="", started_at=Now()
        )
        try:
            intended = _intend(chunk)
        except EnrichmentError as error:
            pause_for(chunk.batch_id, str(error))
            continue
        if intended is not None:
            step("intended")
            _attempt(intended, step, fresh=True)


def _unfinished() -> list[ProviderBatchSubmission]:
    return list(
        ProviderBatchSubmission.objects.filter(state__in=UNFINISHED)
        .select_related("chunk__batch")
        .order_by("created_at")
    )


def _attempt(submission: ProviderBatchSubmission, step: Step, *, fresh: bool = False) -> None:
    """One round for one submission; a failure that may pass is left for the next one."""
    try:
        _go_on(submission, step, fresh=fresh)
    except SubmissionFailed as failure:
        logger.warning("Submission %s: %s", submission.pk, failure)
        if failure.refused and submission.state == SubmissionState.INTENDED:
            _give_up(submission, str(failure))
    except (ConfigurationError, EnrichmentError) as error:
        logger.warning("Submission %s waits: %s", submission.pk, error)


def _go_on(submission: ProviderBatchSubmission, step: Step, *, fresh: bool) -> None:
    configuration = snapshot.current()
    enrichment = get(submission.chunk.batch.enrichment)
    target = _target(submission, enrichment)
    if submission.state == SubmissionState.INTENDED:
        external_id = "" if fresh else _found(submission, target)
        if external_id is None:
            return
        if not external_id:
            if submission.chunk.batch.status not in WORKABLE:
                if submission.chunk.batch.status == BatchStatus.CANCELLED:
                    _give_up(submission, "Cancelled before it was handed over.")
                return
            requests = _requests(submission, enrichment)
            external_id = errands.submit(target, configuration, requests, marker=submission.pk.hex)
            step("submitted")
        submission.external_id, submission.state = external_id, SubmissionState.SUBMITTED
        submission.save(update_fields=["external_id", "state"])
        step("noted")
    polled = errands.poll(target, configuration, external_id=submission.external_id)
    if polled.state is State.FAILED:
        _give_up(submission, polled.detail)
    if polled.state is State.WORKING and submission.chunk.batch.status == BatchStatus.CANCELLED:
        errands.cancel(target, configuration, external_id=submission.external_id)
    if polled.state is not State.ENDED:
        return
    step("ended")
    results = errands.results(target, configuration, external_id=submission.external_id)
    step("read")
    values = {each.custom_id: each.value for each in results}
    _apply(submission, enrichment, values, step)
    step("applied")
    complete_if_done(submission.chunk.batch_id)


def _found(submission: ProviderBatchSubmission, target: Target) -> str | None:
    """The provider's id if it has the batch, blank if not, None while nobody can tell."""
    found = errands.find(
        target, snapshot.current(), marker=submission.pk.hex, since=submission.created_at
    )
    return None if found.undecided else found.external_id


def _target(submission: ProviderBatchSubmission, enrichment: Enrichment) -> Target:
    """The target that it was meant for, whatever the node says by now."""
    given = {"model": f"{submission.provider}/{submission.model}"}
    return resolve(enrichment.node, snapshot=snapshot.current(), given=given).targets[0]


@transaction.atomic
def _intend(chunk: BatchChunk) -> ProviderBatchSubmission | None:
    """Record what is about to be handed over, and hold its cost in the budgets.

    A chunk that can't be handed over goes live instead; one that a budget has no room for waits,
    and where it never will have, its batch pauses.
    """
    enrichment = get(chunk.batch.enrichment)
    try:
        target = target_of(enrichment.node, snapshot.current())
    except ConfigurationError:
        target = None
    items = list(load_items(enrichment, chunk.row_ids, variant=chunk.variant))
    sent = [item for item in items if item.settled is None and item.prompt is not None]
    if target is None or not sent:
        BatchChunk.objects.filter(pk=chunk.pk).update(status=ChunkStatus.OPEN)
        return None
    submission = ProviderBatchSubmission(
        chunk=chunk,
        provider=target.provider.name,
        model=target.model_id,
        rows=[_sent(item) for item in sent],
    )
    calls = (_call(submission, enrichment, item) for item in sent)
    answer = money.commit(calls, target, snapshot.current(), holder=submission.pk)
    if answer.verdict is Verdict.REFUSED:
        Batch.objects.filter(pk=chunk.batch_id, status__in=WORKABLE).update(
            status=BatchStatus.PAUSED, status_reason=f"{answer.why[:1].upper()}{answer.why[1:]}."
        )
    if answer.verdict is not Verdict.GRANTED:
        return None
    submission.save(force_insert=True)
    return submission


def _sent(item: Item) -> list[str | int | None]:
    return [item.row_id, item.input_hash, item.prompt.version if item.prompt else None]


def _call(submission: ProviderBatchSubmission, enrichment: Enrichment, item: Item) -> Call:
    """What a live lane would ask, of the target that the submission names."""
    call = call_for(enrichment, item, session_id=submission.chunk.batch_id)
    given = {"model": f"{submission.provider}/{submission.model}"}
    return Call(
        node=call.node,
        messages=call.messages,
        schema=call.schema,
        given=given,
        correlation_id=call.correlation_id,
        labels=call.labels,
        use_cache=False,
        logprobs=call.logprobs,
    )


def _requests(submission: ProviderBatchSubmission, enrichment: Enrichment) -> list[Request]:
    """The calls of the rows that still are as they were when it was intended.

    A row that lacks a fact it needs is left out, and so goes on live.
    """
    configuration = snapshot.current()
    items = _items(submission, enrichment)
    items |= _with_facts([item for item in items.values() if item.settled is None])
    return [
        Request(
            _custom_id(submission, place),
            body_of(_call(submission, enrichment, items[row[0]]), configuration),
        )
        for place, row in enumerate(submission.rows)
        if row == _sent(items[row[0]]) and items[row[0]].settled is None and not items[row[0]].asks
    ]


def _with_facts(items: list[Item]) -> dict[str, Item]:
    """Those whose facts could be had; these are kept, for the answers are judged by them."""
    found = [each for each in answer_all(items) if isinstance(each, Item)]
    with transaction.atomic(), connection.cursor() as cursor:
        questions.remember(cursor, [each for item in found for each in item.facts])
    return {item.row_id: item for item in found}


def _items(
    submission: ProviderBatchSubmission, enrichment: Enrichment, claim: Claim | None = None
) -> dict[str, Item]:
    chunk = submission.chunk
    found = load_items(
        enrichment,
        chunk.row_ids,
        variant=chunk.variant,
        claim=claim,
        # What was said with a request is judged with it, a day later.
        facts_of_any_age=claim is not None,
    )
    return {item.row_id: item for item in found}


def _custom_id(submission: ProviderBatchSubmission, place: int) -> str:
    return f"{submission.pk.hex}-{place}"


@transaction.atomic
def _give_up(submission: ProviderBatchSubmission, detail: str) -> None:
    """Nothing was begun: the rows go on live."""
    ProviderBatchSubmission.objects.filter(pk=submission.pk).update(
        state=SubmissionState.FAILED, detail=detail
    )
    BatchChunk.objects.filter(pk=submission.chunk_id, status=ChunkStatus.AWAY).update(
        status=ChunkStatus.OPEN
    )
    budgets.settle_commitment({}, holder=submission.pk)


@transaction.atomic
def _apply(
    submission: ProviderBatchSubmission,
    enrichment: Enrichment,
    values: dict[str, dict[str, object]],
    step: Step,
) -> None:
    """Results, rows, call records, the chunk's end and ours in one transaction."""
    ours = ProviderBatchSubmission.objects.select_for_update().get(pk=submission.pk)
    if ours.state != SubmissionState.SUBMITTED:
        return
    chunk = submission.chunk
    token = uuid.uuid4()
    claim = Claim(chunk.pk, token, chunk.variant, chunk.round, tuple(chunk.row_ids), False, False)
    BatchChunk.objects.filter(pk=chunk.pk).update(lease_token=token)
    outcomes = _outcomes(submission, enrichment, values, claim)
    settings = snapshot.current().processing
    writing.write(
        enrichment,
        outcomes,
        batch_id=chunk.batch_id,
        held=[claim],
        later_rounds=settings.get("max_retries", 0),
    )
    _settle(submission, enrichment, outcomes)
    step("written")
    told = {outcome.item.row_id for outcome in outcomes}
    undone = [row for row in chunk.row_ids if row not in told]
    if undone:
        BatchChunk.objects.create(
            batch_id=chunk.batch_id, variant=chunk.variant, round=chunk.round, row_ids=undone
        )
    writing.finish([claim], retry_delay=settings.get("retry_delay", 0))
    ours.state = SubmissionState.APPLIED
    ours.save(update_fields=["state"])


def _settle(
    submission: ProviderBatchSubmission, enrichment: Enrichment, outcomes: Sequence[Outcome]
) -> None:
    """What the answers cost, in the budgets that were asked."""
    costs = (
        (_call(submission, enrichment, each.item), each.record.cost_usd)
        for each in outcomes
        if each.record is not None and each.record.cost_usd is not None
    )
    target = _target(submission, enrichment)
    money.settle(costs, target, snapshot.current(), holder=submission.pk)


def _outcomes(
    submission: ProviderBatchSubmission,
    enrichment: Enrichment,
    values: dict[str, dict[str, object]],
    claim: Claim,
) -> list[Outcome]:
    """What came of each row that has an answer or needs none; the others are left out."""
    items = _items(submission, enrichment, claim)
    outcomes = []
    for place, row in enumerate(submission.rows):
        value, item = values.get(_custom_id(submission, place)), items.pop(row[0])
        if value is not None:
            outcomes.append(_outcome(submission, enrichment, item, value, same=row == _sent(item)))
    outcomes += [
        Outcome(item, item.settled, reason=item.reason) for item in items.values() if item.settled
    ]
    return outcomes


def _outcome(
    submission: ProviderBatchSubmission,
    enrichment: Enrichment,
    item: Item,
    value: dict[str, object],
    *,
    same: bool,
) -> Outcome:
    """An answer is paid for in any case; one to a row that says something else now isn't used."""
    if item.prompt is None:  # the row is gone; so is what could be said about its call
        return Outcome(item, ResultState.SKIPPED, reason=item.reason)
    answer: Answered = read(_call(submission, enrichment, item), value, snapshot.current())
    if not same or isinstance(answer.outcome, GenerationFailed):
        reason = str(answer.outcome) if same else CHANGED
        return Outcome(
            item,
            ResultState.FAILED,
            reason=reason,
            record=answer.record,
            texts=answer.texts,
            retriable=True,
            told=told_of_failure(enrichment, answer.record, reason),
        )
    return judged(enrichment, item, answer.outcome, answer.texts)
