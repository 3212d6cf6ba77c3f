"""A trial before a batch: a few of its rows are asked about and shown, and nothing is written."""

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import DatabaseError
from msgspec import Struct

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.engine.applying import held_for_review
from enrichment.engine.items import (
    Item,
    Outcome,
    answer_all,
    call_for,
    failed,
    judged,
    load_items,
)
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment
from enrichment.models import ResultState
from enrichment.prompts.selection import TriedPrompt
from llmconfig import client
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.http import background_loop
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import CallRecord, Generation
from llmconfig.roles import User
from llmconfig.runtime.records import asdict, replace
from llmconfig.runtime.together import together
from metrics.recording import record_call

logger = logging.getLogger(__name__)

TRIAL_ROWS = 3
MAX_LOOKED_AT = 50  # rows, to find some that need a call


class TriedRow(Struct, frozen=True):
    """What one row says now and what would be written; `after` is None where nothing would be.

    `before` is the column's value, or the text that the answer was made from where it has none.
    `cost_usd` is 0 where no call was made, None where the price of the model is unknown.
    """

    row_id: str
    name: str
    variant: str
    before: Any
    after: Any
    has_value: bool
    state: ResultState
    reason: str
    findings: Sequence[Mapping[str, Any]]  # as results keep them
    cost_usd: Decimal | None


def try_rows(
    name: str, selection: Selection, *, rows: int = TRIAL_ROWS, user: User | None = None
) -> list[TriedRow]:
    """Ask about the first `rows` rows of the selection that need a call, in its first language.

    The calls are real: they are recorded, and cost what they cost. The rows stay as they are.
    Raises UnknownEnrichment, FeatureOff, BadSelection, and llmconfig's ConfigurationError when no
    call can be made.
    """
    enrichment = get(name)
    creation.check_allowed(enrichment)
    creation.check_writes(enrichment)
    variant = selection.variants[0]
    creation.check_variant(enrichment, variant)
    limit = min(selection.limit or MAX_LOOKED_AT, MAX_LOOKED_AT)
    keys = creation.rows_to_do(enrichment, replace(selection, limit=limit), variant=variant)
    ids = [str(key) for key in keys.values_list("pk", flat=True)]
    callable_rows = _callable(enrichment, ids, variant, selection.draft)
    chosen = list(itertools.islice(callable_rows, rows))
    outcomes = _asked(enrichment, chosen, user)
    current = _current(enrichment, [each.item.row_id for each in outcomes])
    return [_tried_row(enrichment, each, current) for each in outcomes]


def _callable(
    enrichment: Enrichment, ids: Sequence[str], variant: str, draft: TriedPrompt | None
) -> Iterator[Item]:
    items = load_items(enrichment, ids, variant=variant, draft=draft)
    return (item for item in items if item.settled is None)


def _asked(enrichment: Enrichment, items: Sequence[Item], user: User | None) -> list[Outcome]:
    """All of them side by side; each call is recorded in this thread when all have ended, also
    where others could not be made. Then raises why.
    """
    ready = answer_all(items)
    calls = [each for each in ready if isinstance(each, Item)]
    came = background_loop.run(together(_told(enrichment, each, user) for each in calls))
    outcomes = [_outcome(enrichment, each) for each in came.values]
    for each in outcomes:
        _record(each)
    came.or_raise()
    found = iter(outcomes)
    return [each if isinstance(each, Outcome) else next(found) for each in ready]


class _Told(Struct, frozen=True):
    """What a row's call came to."""

    item: Item
    answer: Generation | GenerationFailed
    texts: Texts | None


async def _told(enrichment: Enrichment, item: Item, user: User | None) -> _Told:
    records: list[tuple[CallRecord, Texts]] = []
    call = call_for(enrichment, item, session_id=None, user_id=user.pk if user else None)
    answer: Generation | GenerationFailed
    try:
        answer = await client.agenerate(call, collect=lambda *pair: records.append(pair))
    except GenerationFailed as failure:
        answer = failure
    return _Told(item, answer, records[0][1] if records else None)


def _outcome(enrichment: Enrichment, told: _Told) -> Outcome:
    if isinstance(told.answer, GenerationFailed):
        return failed(enrichment, told.item, told.answer, told.texts)
    found = judged(enrichment, told.item, told.answer, told.texts)
    return held_for_review(enrichment, [found])[0]


def _record(outcome: Outcome) -> None:
    if outcome.record is None or outcome.texts is None:
        return
    try:
        record_call(outcome.record, outcome.texts, outcome.check_results)
    except DatabaseError:
        logger.exception("The record of call %s was not stored.", outcome.record.correlation_id)


def _current(enrichment: Enrichment, ids: Sequence[str]) -> dict[str, tuple[Any, str]]:
    """Each row's value now, and what it is called."""
    rows = enrichment.rows().filter(pk__in=ids)
    column = enrichment.writes
    return {str(row.pk): (getattr(row, column) if column else None, str(row)) for row in rows}


def _tried_row(
    enrichment: Enrichment, outcome: Outcome, current: dict[str, tuple[Any, str]]
) -> TriedRow:
    item = outcome.item
    value, name = current.get(item.row_id, (None, ""))
    if enrichment.by_variant:
        value = (value or {}).get(item.variant)
    source = enrichment.original(item.values) or enrichment.source(item.values)
    return TriedRow(
        row_id=item.row_id,
        name=name,
        variant=item.variant,
        before=source if value is None else value,
        after=outcome.value,
        has_value=value is not None,
        state=outcome.state,
        reason=outcome.reason,
        findings=[asdict(each) for each in outcome.findings],
        cost_usd=outcome.record.cost_usd if outcome.record else Decimal(0),
    )
