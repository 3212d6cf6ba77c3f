"""One row at once: the caller waits and gets the value or the reason."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext
from msgspec import Struct

from enrichment.batches import creation
from enrichment.call_cascades.row_calls import RowCall
from enrichment.engine import refusals, second_opinions, writing
from enrichment.engine.applying import held_for_review
from enrichment.engine.items import (
    GONE,
    Item,
    Outcome,
    answer_all,
    call_for,
    failed,
    judged,
    load_items,
)
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment, Judgement
from enrichment.errors import BadSelection
from enrichment.models import ResultState
from enrichment.quality_report import check_results_of, check_results_of_failure
from llmconfig import client
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Call, CallRecord
from llmconfig.errors import LLMError
from llmconfig.roles import User
from metrics.quality.parts import CheckResults
from metrics.recording import NO_RESULTS, record_call

logger = logging.getLogger(__name__)


class SingleResult(Struct, frozen=True):
    """What became of the row; `value` is None unless there was an answer.

    `waits_in_part`: it is applied, but for parts that wait for a person; `reason` says why.
    """

    state: ResultState
    value: Any
    reason: str
    waits_in_part: bool = False


def enrich_row(
    name: str, row_id: int | str, *, variant: str = "", user: User | None = None
) -> SingleResult:
    """Enrich one row now; when that fails the row stays as it was.

    Raises UnknownEnrichment, FeatureOff, BadSelection for a row that doesn't exist or a missing
    language, and llmconfig's ConfigurationError when no call can be made.
    """
    enrichment = get(name)
    creation.check_allowed(enrichment)
    creation.check_writes(enrichment)
    creation.check_variant(enrichment, variant)
    key = str(enrichment.checked_key(row_id))
    item = next(load_items(enrichment, [key], variant=variant))
    if item.reason == GONE:
        raise BadSelection(
            gettext("row_id: there is no row {row_id}.").format(row_id=row_id), field="row_id"
        )
    outcome = _outcome(enrichment, item, user)
    outcome = _stored(enrichment, outcome)
    waits = outcome.state == ResultState.APPLIED and outcome.suggestion is not None
    return SingleResult(outcome.state, outcome.value, outcome.reason, waits)


def _stored(enrichment: Enrichment, outcome: Outcome) -> Outcome:
    """Write it; what the database refuses fails with the reason, and its call is recorded."""
    stored: list[Outcome] = []

    def store(some: Outcome) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            writing.store(cursor, enrichment, [some], batch_id=None)
        stored.append(some)

    def refused(it: Outcome, error: Exception) -> None:
        refusals.store_failed(it, error, store)

    taken = refusals.storable([outcome], lambda it: refusals.as_stored(enrichment, it), refused)
    if taken:
        refusals.by_halves(taken, lambda one: store(one[0]), refused)
    return stored[0]


def _outcome(enrichment: Enrichment, item: Item, user: User | None) -> Outcome:
    if item.settled is not None:
        return Outcome(item, item.settled, reason=item.reason)
    found = answer_all([item])[0]
    if isinstance(found, Outcome):
        return found
    item = found
    call = call_for(enrichment, item, session_id=None, user_id=user.pk if user else None)
    asked = RowCall(enrichment, item, call)
    try:
        answer = asked.answer()
    except GenerationFailed as failure:
        return asked.with_all(failed(enrichment, item, failure, None))
    except LLMError:
        _record(asked.records, NO_RESULTS)  # what came before it is paid
        raise
    found = asked.with_all(judged(enrichment, item, answer, None))
    if not found.judged_good:
        found = second_opinions.ask_now(enrichment, found, call)
    return held_for_review(enrichment, [found])[0]


def ask(
    enrichment: Enrichment,
    call: Call,
    values: Mapping[str, str],
    *,
    variant: str = "",
    floor: float = 0.0,
    columns: Mapping[str, Any] | None = None,
) -> Judgement:
    """Call and judge, where nothing is written to a row; the record tells what the gates found.

    Raises GenerationFailed and ConfigurationError.
    """
    records: list[tuple[CallRecord, Texts]] = []
    try:
        answer = client.generate(call, collect=lambda *pair: records.append(pair))
    except GenerationFailed as failure:
        _record(records, check_results_of_failure(enrichment, failure.record, str(failure)))
        raise
    found = enrichment.judge(answer, values, variant=variant, floor=floor, columns=columns or {})
    _record(records, check_results_of(enrichment, found))
    return found


def _record(calls: Iterable[tuple[CallRecord, Texts]], findings: CheckResults) -> None:
    """At once; a failure is logged and never fails the call."""
    for record, texts in calls:
        try:
            record_call(record, texts, findings)
        except DatabaseError:
            logger.exception("The record of call %s could not be stored.", record.correlation_id)
