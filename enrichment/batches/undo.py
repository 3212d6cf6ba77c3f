"""Takes a batch back: the values before it return, except where something newer stands.

A row whose value is no longer the one that the batch wrote was edited by a person, or enriched
anew: it is left as it is, and listed.
"""

from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext
from msgspec import Struct, field

from enrichment.batches.lifecycle import in_work
from enrichment.batches.progress import counted
from enrichment.enrichments import get, names
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import NotAllowedNow
from enrichment.models import Batch, ResultState
from enrichment.models.batches import TERMINAL

TOGETHER = 2_000  # results in one transaction
GONE = "The row no longer exists."
REPLACED = "A later result stands."
EDITED = "Its value has been changed since."

_CHOOSE = """
SELECT id FROM enrichment_results
WHERE batch_id = %(batch)s AND state = 'applied' AND variant = %(variant)s AND id > %(after)s
ORDER BY id LIMIT %(together)s
"""
# The results are named one by one, so that the planner knows how many there are: by its statistics
# of a batch that has just ended it takes them for one, and its nested loops are quadratic.
_UNDO = """
WITH chosen AS (
    SELECT r.id, r.row_id, r.value, r.previous_value
    FROM unnest(%(ids)s::bigint[]) AS named(id) JOIN enrichment_results r ON r.id = named.id
    WHERE r.state = 'applied' ORDER BY r.id FOR UPDATE OF r
), newer AS (
    SELECT c.id FROM chosen c WHERE EXISTS (
        SELECT 1 FROM enrichment_results n
        WHERE n.enrichment = %(enrichment)s AND n.target = %(target)s AND n.row_id = c.row_id
          AND n.variant = %(variant)s AND n.id > c.id AND n.state = 'applied'
    )
), old AS (
    SELECT {key}, {column} FROM {table}
    WHERE {key} IN (SELECT row_id::{key_type} FROM chosen) ORDER BY {key} FOR UPDATE
), back AS (
    UPDATE {table} t SET {column} = {before}{marks}
    FROM chosen c JOIN old ON old.{key} = c.row_id::{key_type}
    LEFT JOIN LATERAL (
        SELECT created_at, model_used FROM enrichment_results l
        WHERE l.enrichment = ANY(%(enrichments)s) AND l.target = %(target)s
          AND l.row_id = c.row_id AND l.state = 'applied' AND l.id <> c.id
        ORDER BY l.id DESC LIMIT 1
    ) last ON true
    WHERE t.{key} = old.{key} AND {now} = c.value AND c.id NOT IN (SELECT id FROM newer)
    RETURNING c.id
), marked AS (
    UPDATE enrichment_results r SET state = 'undone', suggestion = NULL
    FROM back WHERE r.id = back.id RETURNING r.id
)
SELECT c.id, c.row_id, marked.id IS NOT NULL, newer.id IS NOT NULL, old.{key} IS NOT NULL
FROM chosen c LEFT JOIN marked ON marked.id = c.id LEFT JOIN newer ON newer.id = c.id
LEFT JOIN old ON old.{key} = c.row_id::{key_type} ORDER BY c.id
"""

# Of an enrichment that writes no column: its results alone are taken back.
_UNDO_RESULTS = """
WITH chosen AS (
    SELECT r.id, r.row_id FROM enrichment_results r
    WHERE r.id = ANY(%(ids)s) AND r.state = 'applied' ORDER BY r.id FOR UPDATE
), marked AS (
    UPDATE enrichment_results r SET state = 'undone', suggestion = NULL
    FROM chosen c WHERE r.id = c.id AND NOT EXISTS (
        SELECT 1 FROM enrichment_results n
        WHERE n.enrichment = %(enrichment)s AND n.target = %(target)s AND n.row_id = c.row_id
          AND n.variant = %(variant)s AND n.id > c.id AND n.state = 'applied'
    )
    RETURNING r.id
)
SELECT c.id, c.row_id, marked.id IS NOT NULL, marked.id IS NULL, true
FROM chosen c LEFT JOIN marked ON marked.id = c.id ORDER BY c.id
"""
# What Enrichable's columns get back, in a table that has them.
_MARKS = {
    "llm_processed_at": "last.created_at",
    "llm_model_used": "left(last.model_used, 100)",
}


class Left(Struct, frozen=True):
    """A row that was not taken back, and why."""

    row_id: str
    variant: str
    reason: str


class UndoReport(Struct):
    """What an undo did. `discarded` counts suggestions that no reviewer needs to see any more."""

    undone: int = 0
    discarded: int = 0
    left: list[Left] = field(default_factory=list)

    def __str__(self) -> str:
        left = f" Left as changed since: {counted(len(self.left), 'row')}." if self.left else ""
        discarded = (
            f" Discarded: {counted(self.discarded, 'suggestion')}." if self.discarded else ""
        )
        have = "has its" if self.undone == 1 else "have their"
        return f"Undone: {counted(self.undone, 'row')} {have} values from before.{left}{discarded}"


def undo(batch: Batch) -> UndoReport:
    """Take back what an ended batch wrote; safe to repeat. Raises NotAllowedNow."""
    enrichment = get(batch.enrichment)
    report = UndoReport()
    variants = batch.results.order_by("variant").values_list("variant", flat=True).distinct()
    for variant in list(variants):
        after: int | None = 0
        while after is not None:
            after = _undo_some(enrichment, batch, variant, after, report)
    with transaction.atomic():
        _check_ended(batch)
        report.discarded = batch.results.filter(state=ResultState.SUGGESTED).update(
            state=ResultState.UNDONE
        )
        Batch.objects.filter(pk=batch.pk).update(status_reason=str(report))
    batch.refresh_from_db()
    return report


@transaction.atomic
def _undo_some(
    enrichment: Enrichment, batch: Batch, variant: str, after: int, report: UndoReport
) -> int | None:
    """Undo the next results; returns the last one's id, None when there was none."""
    _check_ended(batch)
    terms: dict[str, Any] = {
        "batch": batch.pk,
        "variant": variant,
        "after": after,
        "together": TOGETHER,
        "enrichment": enrichment.name,
        "target": enrichment.target,
        "enrichments": names(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHOOSE, terms)
        ids = [chosen for (chosen,) in cursor.fetchall()]
        if not ids:
            return None
        cursor.execute(_statement(enrichment), {**terms, "ids": ids})
        found = cursor.fetchall()
    for _, row_id, undone, newer, there in found:
        if undone:
            report.undone += 1
        else:
            reason = REPLACED if newer else EDITED if there else GONE
            report.left.append(Left(row_id, variant, reason))
    return int(ids[-1])


def _check_ended(batch: Batch) -> None:
    """Hold the batch as it is until the end of the transaction; raises NotAllowedNow."""
    now = Batch.objects.select_for_update().get(pk=batch.pk)
    if now.status not in TERMINAL:
        raise NotAllowedNow(
            gettext("Batch {batch} is {now}; cancel it, then undo it.").format(
                batch=batch.pk, now=now.get_status_display().lower()
            )
        )
    if in_work(now):
        raise NotAllowedNow(
            gettext("Calls of batch {batch} still come back; undo it in a moment.").format(
                batch=batch.pk
            )
        )


def _statement(enrichment: Enrichment) -> str:
    """The undo of an enrichment's column; identifiers come from the model alone."""
    if not enrichment.writes:
        return _UNDO_RESULTS
    names_of = enrichment.sql_names()
    column = names_of["column"]
    marks = "".join(f", {each} = {_MARKS[each]}" for each in enrichment.marks())
    if enrichment.by_variant:
        now = f"old.{column} -> %(variant)s"
        before = (
            f"CASE WHEN c.previous_value IS NULL THEN nullif(t.{column} - %(variant)s, '{{}}')"
            f" ELSE t.{column} || jsonb_build_object(%(variant)s::text, c.previous_value) END"
        )
    else:
        now = f"to_jsonb(old.{column})"
        before = "c.previous_value" if enrichment.holds_json() else "c.previous_value #>> '{}'"
    return _UNDO.format(now=now, before=before, marks=marks, **names_of)
