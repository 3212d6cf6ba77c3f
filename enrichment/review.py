"""Suggestions and the people who decide on them: accept, edit or reject.

A suggestion is an answer that failed a gate, or the doubtful parts of one that was applied. What is
accepted is written to the row under its lock, with the value before kept for an undo. Where fields
of an applied answer wait, a decision is about these alone: the row's other fields stay as they are.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from msgspec import Struct

from enrichment.batches.staleness import input_hash
from enrichment.calibration import decided_parts
from enrichment.enrichments import get, names
from enrichment.enrichments.contract import Enrichment
from enrichment.enrichments.field_by_field import completed, fields_misfit, waiting_fields
from enrichment.errors import AlreadyDecided, BadValue, InputChanged
from enrichment.models import EnrichmentResult, ResultState
from enrichment.substitution import as_text
from llmconfig.roles import User
from metrics.feedback import forget_decision, record_decision
from metrics.storable import storable

WAITING = Q(state=ResultState.SUGGESTED) | Q(suggestion__isnull=False)
KEPT_FOR_UNDO = ("state", "value", "suggestion", "previous_value")
REVIEWED = "reviewed"  # in `llm_model_used` of a row whose value a person wrote


class Suggestion(Struct, frozen=True):
    """One entry of the queue as a reviewer needs it. `row` is None when the row is gone.

    `waiting` are the fields that a decision is about, None where it is about the whole value;
    `proposed` is what the row would have by accepting.
    """

    result: EnrichmentResult
    row: Mapping[str, Any] | None
    name: str  # as the row calls itself; its key where it is gone
    current: Any  # the value that the row has now
    source: str  # what the answer was made from
    proposed: Any
    input_changed: bool
    waiting: Mapping[str, Any] | None = None


def queue(*, enrichment: str = "", code: str = "") -> "QuerySet[EnrichmentResult]":
    """What waits for a decision, newest first; what a later result has replaced is left out.

    `enrichment` and `code` (of a gate's finding) narrow it; blank takes all.
    """
    wanted = [enrichment] if enrichment else names()
    waiting = EnrichmentResult.objects.filter(WAITING, enrichment__in=wanted)
    if code:
        waiting = waiting.filter(findings__contains=[{"code": code}])
    return waiting.filter(~Exists(_later())).order_by("-id")


def _later() -> "QuerySet[EnrichmentResult]":
    """Results that replace one of an outer query."""
    return EnrichmentResult.objects.filter(
        enrichment=OuterRef("enrichment"),
        target=OuterRef("target"),
        row_id=OuterRef("row_id"),
        variant=OuterRef("variant"),
        pk__gt=OuterRef("pk"),
    ).exclude(state=ResultState.FAILED)


def proposed(result: EnrichmentResult) -> Any:
    """The complete value that the model proposed."""
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
        keys = [result.row_id for result in group]
        rows = _rows(enrichment, keys)
        called = {str(row.pk): str(row) for row in enrichment.rows().filter(pk__in=keys)}
        for result in group:
            made[result.pk] = _beside(
                enrichment,
                result,
                rows.get(result.row_id),
                called.get(result.row_id, result.row_id),
            )
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
    enrichment: Enrichment,
    result: EnrichmentResult,
    row: Mapping[str, Any] | None,
    name: str,
) -> Suggestion:
    if row is None:
        return Suggestion(result, None, name, None, "", proposed(result), input_changed=True)
    current = row.get(enrichment.writes)
    if enrichment.by_variant:
        current = (current or {}).get(result.variant)
    waiting = waiting_fields(enrichment, result)
    return Suggestion(
        result,
        row,
        name,
        current,
        enrichment.source(as_text(enrichment.values(row, variant=result.variant))),
        proposed(result) if waiting is None else completed(current, fields=waiting),
        input_changed=row["nodewise_hash"] != result.input_hash,
        waiting=waiting,
    )


def accept(result_id: int, *, user: User | None, feedback: str = "") -> EnrichmentResult:
    """Apply a suggestion as it is, or those of its fields that wait.

    Raises AlreadyDecided, InputChanged, and BadValue when it can't be stored, such as an empty one.
    """
    return _apply(result_id, user, feedback, edited=False)


def edit(result_id: int, value: Any, *, user: User | None, feedback: str = "") -> EnrichmentResult:
    """Apply a reviewer's own value instead, or his own fields for those that wait.

    Raises as `accept` does, but may replace what a person wrote into these fields since.
    """
    return _apply(result_id, user, feedback, edited=True, value=_storable(value))


def edit_text(
    result_id: int, text: str, *, user: User | None, feedback: str = ""
) -> EnrichmentResult:
    """The same from a form: JSON as text where the enrichment's values are JSON."""
    result = EnrichmentResult.objects.filter(pk=result_id).first()
    if result is None:
        raise AlreadyDecided(
            gettext("There is no suggestion {result_id}.").format(result_id=result_id)
        )
    value: Any = text.strip()
    if get(result.enrichment).schema is not None:
        try:
            value = json.loads(value)
        except ValueError as error:
            raise BadValue(
                gettext("value: this is no JSON: {error}.").format(error=error), field="value"
            ) from error
    return edit(result_id, value, user=user, feedback=feedback)


@transaction.atomic
def reject(result_id: int, *, user: User | None, feedback: str = "") -> EnrichmentResult:
    """Decide against a suggestion; the row stays as it is. Raises AlreadyDecided."""
    result = _locked(result_id)
    enrichment = get(result.enrichment)
    result.before_decision = _before(result)
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
    result_id: int, user: User | None, feedback: str, *, edited: bool, value: Any = None
) -> EnrichmentResult:
    result = _locked(result_id)
    enrichment = get(result.enrichment)
    waiting = waiting_fields(enrichment, result)
    if not edited:
        value = proposed(result) if waiting is None else waiting
    misfit = (
        enrichment.misfit(value) if waiting is None else fields_misfit(enrichment, value, waiting)
    )
    if misfit:
        raise BadValue(f"value: {misfit}", field="value")
    result.before_decision = _before(result)
    if enrichment.writes:
        result.before_decision["row_model"] = _model_of_row(enrichment, result)
    if waiting is None:
        value = enrichment.stored(value)
        before = _write(enrichment, result, lambda _: value, edited=edited)
    else:
        put_in = partial(completed, fields=value, row_id=result.row_id, may_replace=edited)
        before = _write(enrichment, result, put_in, edited=edited)
        written = completed(before, fields=value)
        result.before_decision |= {"row_value": before, "row_written": written}
        value = completed(result.value, fields=value)
    result.decided_parts = decided_parts(enrichment, proposed(result), kept=value)
    if result.state != ResultState.APPLIED:  # of what was applied in part, the first is kept
        result.previous_value = before
    result.value, result.suggestion, result.state = value, None, ResultState.APPLIED
    _decided(result, user, feedback, accepted=True, edited=edited)
    return result


@transaction.atomic
def undo(result_id: int) -> EnrichmentResult:
    """Take a person's decision back: the suggestion waits again, the row has its value before.

    Raises AlreadyDecided when there is no decision or a newer result, and InputChanged when the
    row has another value by now.
    """
    result = EnrichmentResult.objects.select_for_update().filter(pk=result_id).first()
    if result is None or result.before_decision is None:
        raise AlreadyDecided(
            gettext("There is no decision on {result_id} that could be undone.").format(
                result_id=result_id
            )
        )
    if EnrichmentResult.objects.filter(Exists(_later()), pk=result_id).exists():
        raise AlreadyDecided(
            gettext("A newer result has replaced this one: undo that, or enrich it anew.")
        )
    before = result.before_decision
    if "row_model" in before:
        _write_back(get(result.enrichment), result, before)
    for column in KEPT_FOR_UNDO:
        setattr(result, column, before[column])
    result.before_decision = result.decided_parts = None
    result.reviewed_by = result.reviewed_at = None
    result.save()
    if result.correlation_id is not None:
        forget_decision(result.correlation_id, near=result.created_at)
    return result


def _before(result: EnrichmentResult) -> dict[str, Any]:
    """What an undo gives back to the result."""
    return {column: getattr(result, column) for column in KEPT_FOR_UNDO}


def _model_of_row(enrichment: Enrichment, result: EnrichmentResult) -> str | None:
    if "llm_model_used" not in enrichment.marks():
        return None
    row = enrichment.rows().filter(pk=result.row_id).values_list("llm_model_used", flat=True)
    return row.first()


def _write_back(
    enrichment: Enrichment, result: EnrichmentResult, before: Mapping[str, Any]
) -> None:
    """Give the row the value that the decision replaced."""
    manager = enrichment.rows()
    row = manager.select_for_update().filter(pk=result.row_id).first()
    whole = getattr(row, enrichment.writes) if row is not None else None
    now = (whole or {}).get(result.variant) if enrichment.by_variant else whole
    written = before.get("row_written", result.value)
    if row is None or now != enrichment.stored(written):
        said = (
            gettext("Row {row_id} is gone: this decision can't be undone.")
            if row is None
            else gettext("Row {row_id} has another value by now: this decision can't be undone.")
        )
        raise InputChanged(said.format(row_id=result.row_id))
    # Where a part was applied before the decision, the row had that part.
    partly = before["state"] == ResultState.APPLIED
    value = before["value"] if partly else result.previous_value
    value = before.get("row_value", value)
    if enrichment.by_variant:
        kept = {name: each for name, each in (whole or {}).items() if name != result.variant}
        value = kept if value is None else {**kept, result.variant: value}
    _set(enrichment, row, value, before["row_model"])


def _locked(result_id: int) -> EnrichmentResult:
    """The result, held until the end of the transaction, if it still waits for a decision."""
    result = EnrichmentResult.objects.select_for_update().filter(pk=result_id).first()
    if result is None or not queue().filter(pk=result_id).exists():
        raise AlreadyDecided(
            gettext("There is no suggestion {result_id} that waits for a decision.").format(
                result_id=result_id
            )
        )
    return result


def _write(
    enrichment: Enrichment,
    result: EnrichmentResult,
    value_of: Callable[[Any], Any],
    *,
    edited: bool,
) -> Any:
    """Write to the locked row what `value_of` makes of its value; returns the one before."""
    manager = enrichment.rows()
    row = manager.select_for_update().filter(pk=result.row_id).first()
    now = (
        manager.filter(pk=result.row_id)
        .annotate(nodewise_hash=input_hash(enrichment.reads))
        .values_list("nodewise_hash", flat=True)
        .first()
    )
    if row is None or now != result.input_hash:
        said = (
            gettext("Row {row_id} is gone since this was suggested; reject it, or enrich it anew.")
            if row is None
            else gettext(
                "Row {row_id} has changed since this was suggested; reject it, or enrich it anew."
            )
        )
        raise InputChanged(said.format(row_id=result.row_id))
    if not enrichment.writes:
        return None
    whole = getattr(row, enrichment.writes)
    before = whole
    if enrichment.by_variant:
        before = (whole or {}).get(result.variant)
        whole = {**(whole or {}), result.variant: value_of(before)}
    else:
        whole = value_of(before)
    _set(enrichment, row, whole, REVIEWED if edited else result.model_used[:100])
    return before


def _set(enrichment: Enrichment, row: Model, value: Any, model_used: str | None) -> None:
    """By UPDATE of what changed alone: the row's own `save` may do more than we know."""
    marks = {"llm_processed_at": timezone.now(), "llm_model_used": model_used}
    enrichment.rows().filter(pk=row.pk).update(
        **{enrichment.writes: value}, **{each: marks[each] for each in enrichment.marks()}
    )


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
