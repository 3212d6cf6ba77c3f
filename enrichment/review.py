"""Suggestions and the people who decide on them: accept, edit or reject.

A suggestion is an answer that failed a gate, or the doubtful parts of one that was applied. What is
accepted is written to the row under its lock, with the value before kept for an undo.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from enrichment.batches.staleness import input_hash
from enrichment.calibration import decided_parts
from enrichment.enrichments import get, names
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import AlreadyDecided, BadValue, InputChanged
from enrichment.models import EnrichmentResult, ResultState
from llmconfig.roles import User
from metrics.feedback import record_decision
from metrics.storable import storable

WAITING = Q(state=ResultState.SUGGESTED) | Q(suggestion__isnull=False)
REVIEWED = "reviewed"  # in `llm_model_used` of a row whose value a person wrote


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One entry of the queue as a reviewer needs it. `row` is None when the row is gone."""

    result: EnrichmentResult
    row: Mapping[str, Any] | None
    current: Any  # the value that the row has now
    source: str  # what the answer was made from
    proposed: Any
    input_changed: bool


def queue(*, enrichment: str = "", code: str = "") -> "QuerySet[EnrichmentResult]":
    """What waits for a decision, newest first; what a later result has replaced is left out.

    `enrichment` and `code` (of a gate's finding) narrow it; blank takes all.
    """
    later = EnrichmentResult.objects.filter(
        enrichment=OuterRef("enrichment"),
        target=OuterRef("target"),
        row_id=OuterRef("row_id"),
        variant=OuterRef("variant"),
        pk__gt=OuterRef("pk"),
    ).exclude(state=ResultState.FAILED)
    wanted = [enrichment] if enrichment else names()
    waiting = EnrichmentResult.objects.filter(WAITING, enrichment__in=wanted)
    if code:
        waiting = waiting.filter(findings__contains=[{"code": code}])
    return waiting.filter(~Exists(later)).order_by("-id")


def proposed(result: EnrichmentResult) -> Any:
    """The value that accepting would write."""
    return result.value if result.suggestion is None else result.suggestion


def with_rows(results: Iterable[EnrichmentResult]) -> list[Suggestion]:
    """The results beside their rows, in their order; one query for each enrichment."""
    results = list(results)
    by_enrichment: dict[str, list[EnrichmentResult]] = defaultdict(list)
    for result in results:
        by_enrichment[result.enrichment].append(result)
    made: dict[int, Suggestion] = {}
    for name, group in by_enrichment.items():
        enrichment = get(name)
        rows = _rows(enrichment, [result.row_id for result in group])
        for result in group:
            made[result.pk] = _beside(enrichment, result, rows.get(result.row_id))
    return [made[result.pk] for result in results]


def _rows(enrichment: Enrichment, keys: list[str]) -> dict[str, dict[str, Any]]:
    found = (
        enrichment.rows()
        .filter(pk__in=keys)
        .annotate(nodewise_hash=input_hash(enrichment.reads))
        .values("pk", "nodewise_hash", *{*enrichment.reads, enrichment.writes} - {""})
    )
    return {str(row["pk"]): row for row in found}


def _beside(
    enrichment: Enrichment, result: EnrichmentResult, row: Mapping[str, Any] | None
) -> Suggestion:
    if row is None:
        return Suggestion(result, None, None, "", proposed(result), input_changed=True)
    current = row.get(enrichment.writes)
    if enrichment.by_variant:
        current = (current or {}).get(result.variant)
    return Suggestion(
        result,
        row,
        current,
        enrichment.source(enrichment.values(row, variant=result.variant)),
        proposed(result),
        input_changed=row["nodewise_hash"] != result.input_hash,
    )


def accept(result_id: int, *, user: User | None, feedback: str = "") -> EnrichmentResult:
    """Apply a suggestion as it is.

    Raises AlreadyDecided, InputChanged, and BadValue when it can't be stored, such as an empty one.
    """
    return _apply(result_id, proposed, user, feedback, edited=False)


def edit(result_id: int, value: Any, *, user: User | None, feedback: str = "") -> EnrichmentResult:
    """Apply a reviewer's own value instead. Raises as `accept` does."""
    return _apply(result_id, lambda _: _storable(value), user, feedback, edited=True)


def edit_text(
    result_id: int, text: str, *, user: User | None, feedback: str = ""
) -> EnrichmentResult:
    """The same from a form: JSON as text where the enrichment's values are JSON."""
    result = EnrichmentResult.objects.filter(pk=result_id).first()
    if result is None:
        raise AlreadyDecided(f"There is no suggestion {result_id}.")
    value: Any = text.strip()
    if get(result.enrichment).schema is not None:
        try:
            value = json.loads(value)
        except ValueError as error:
            raise BadValue(f"value: this is no JSON: {error}.", field="value") from error
    return edit(result_id, value, user=user, feedback=feedback)


@transaction.atomic
def reject(result_id: int, *, user: User | None, feedback: str = "") -> EnrichmentResult:
    """Decide against a suggestion; the row stays as it is. Raises AlreadyDecided."""
    result = _locked(result_id)
    enrichment = get(result.enrichment)
    if result.suggestion is not None:
        result.decided_parts = decided_parts(
            enrichment, result.suggestion, kept=None, applied=result.value
        )
        result.suggestion = None  # what was applied of it stays
    else:
        result.decided_parts = decided_parts(enrichment, result.value, kept=None)
        result.state = ResultState.REJECTED
    _decided(result, user, feedback, accepted=False, edited=None)
    return result


@transaction.atomic
def _apply(
    result_id: int,
    value_of: Callable[[EnrichmentResult], Any],
    user: User | None,
    feedback: str,
    *,
    edited: bool,
) -> EnrichmentResult:
    result = _locked(result_id)
    enrichment = get(result.enrichment)
    value = value_of(result)
    misfit = enrichment.misfit(value)
    if misfit:
        raise BadValue(f"value: {misfit}", field="value")
    value = enrichment.stored(value)
    result.decided_parts = decided_parts(enrichment, proposed(result), kept=value)
    before = _write(enrichment, result, value, edited=edited)
    if result.state != ResultState.APPLIED:  # of what was applied in part, the first is kept
        result.previous_value = before
    result.value, result.suggestion, result.state = value, None, ResultState.APPLIED
    _decided(result, user, feedback, accepted=True, edited=edited)
    return result


def _locked(result_id: int) -> EnrichmentResult:
    """The result, held until the end of the transaction, if it still waits for a decision."""
    result = EnrichmentResult.objects.select_for_update().filter(pk=result_id).first()
    if result is None or not queue().filter(pk=result_id).exists():
        raise AlreadyDecided(f"There is no suggestion {result_id} that waits for a decision.")
    return result


def _write(enrichment: Enrichment, result: EnrichmentResult, value: Any, *, edited: bool) -> Any:
    """Write the value to its locked row; returns the one before."""
    manager = enrichment.rows()
    row = manager.select_for_update().filter(pk=result.row_id).first()
    now = (
        manager.filter(pk=result.row_id)
        .annotate(nodewise_hash=input_hash(enrichment.reads))
        .values_list("nodewise_hash", flat=True)
        .first()
    )
    if row is None or now != result.input_hash:
        what = "is gone" if row is None else "has changed"
        raise InputChanged(
            f"Row {result.row_id} {what} since this was suggested; reject it, or enrich it anew."
        )
    if not enrichment.writes:
        return None
    whole = getattr(row, enrichment.writes)
    before = whole
    if enrichment.by_variant:
        before = (whole or {}).get(result.variant)
        whole = {**(whole or {}), result.variant: value}
    else:
        whole = value
    marks = {
        "llm_processed_at": timezone.now(),
        "llm_model_used": REVIEWED if edited else result.model_used[:100],
    }
    # By UPDATE of what changed alone: the row's own `save` may do more than we know.
    manager.filter(pk=row.pk).update(
        **{enrichment.writes: whole}, **{each: marks[each] for each in enrichment.marks()}
    )
    return before


def _decided(
    result: EnrichmentResult,
    user: User | None,
    feedback: str,
    *,
    accepted: bool,
    edited: bool | None,
) -> None:
    result.reviewed_by, result.reviewed_at = user, timezone.now()
    result.save()
    if result.correlation_id is not None:
        record_decision(
            result.correlation_id,
            near=result.created_at,
            accepted=accepted,
            feedback=storable(feedback),
            edited=edited,
        )


def _storable(value: Any) -> Any:
    """Without what PostgreSQL refuses: NUL and lone surrogates, in any text inside."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {storable(str(key)): _storable(each) for key, each in value.items()}
    return value
