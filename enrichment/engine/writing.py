"""Writes what came back: rows, results and call records in one transaction, by set-based SQL.

First the chunks' tokens are checked and their leases extended (`engine.fence`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from enrichment.engine.applying import held_for_review
from enrichment.engine.claims import Claim
from enrichment.engine.column_values import column_values, jsonb
from enrichment.engine.fence import Fenced, fence, gets_later_round
from enrichment.engine.items import NOTHING, Outcome
from enrichment.engine.lane_cascade import LaneCascade
from enrichment.enrichments.contract import Enrichment
from enrichment.facts.store import remember
from enrichment.models import BatchChunk, EnrichmentResult, ResultState
from llmconfig.client.types import CallRecord
from llmconfig.runtime.records import asdict
from metrics.binary_sql import TextArray, copy_rows, execute_bound, ready_json, ready_uuid
from metrics.recording import write_records
from metrics.storable import storable

_LATER_ROUND = """
UPDATE enrichment_batch_chunks c SET failed_ids = c.failed_ids || u.row_ids
FROM (
    SELECT id, array_agg(row_id) AS row_ids
    FROM unnest(%s::bigint[], %s::text[]) AS failed(id, row_id) GROUP BY id
) AS u
WHERE c.id = u.id
"""
_FINISH = """
WITH finished AS (
    UPDATE enrichment_batch_chunks SET status = 'done', lease_token = NULL, leased_until = NULL
    WHERE id = ANY(%s) AND lease_token = ANY(%s) RETURNING *
)
INSERT INTO enrichment_batch_chunks
    (batch_id, variant, row_ids, failed_ids, status, due_at, round, started, deaths, rows_done,
     rows_failed, rows_skipped, calls, calls_repaid, tokens, cost_usd, unpriced_calls)
SELECT batch_id, variant, failed_ids, '{}', 'open', clock_timestamp() + make_interval(secs => %s),
       round + 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
FROM finished WHERE cardinality(failed_ids) > 0
"""
# What Enrichable's columns get, in a table that has them.
_MARKS = {"llm_processed_at": "now()", "llm_model_used": "u.model"}
# Column and type, in the order of `_result_row`; the rest has the database's defaults.
_RESULT_COLUMNS = (
    ("batch_id", "uuid"),
    ("enrichment", "text"),
    ("target", "text"),
    ("row_id", "text"),
    ("variant", "text"),
    ("state", "text"),
    ("reason", "text"),
    ("input_hash", "text"),
    ("prompt_version", "int4"),
    ("model_used", "text"),
    ("config_revision", "int8"),
    ("correlation_id", "uuid"),
    ("value", "jsonb"),
    ("previous_value", "jsonb"),
    ("cost_usd", "numeric"),
    ("suggestion", "jsonb"),
    ("confidence", "float8"),
    ("confidence_source", "text"),
    ("facts", "jsonb"),
    ("findings", "jsonb"),
    ("cascade", "jsonb"),
)


def write(
    enrichment: Enrichment,
    outcomes: Sequence[Outcome],
    *,
    batch_id: UUID,
    held: Iterable[Claim],
    later_rounds: int,
    cascade: LaneCascade | None = None,
) -> Fenced:
    """Store outcomes, and keep the leases of `held` chunks.

    `later_rounds` is how many further rounds a failed row gets. With a `cascade` the outcomes are
    settled first: those that it may not keep are not stored.
    """
    outcomes = held_for_review(enrichment, outcomes) if cascade is None else outcomes
    with transaction.atomic(), connection.cursor() as cursor:
        if cascade is not None:
            outcomes = held_for_review(enrichment, cascade.settle(outcomes))
        found = fence(cursor, outcomes, held, later_rounds, batch_id=batch_id)
        ours = found.ours
        kept = [each for each in outcomes if each.item.claim and each.item.claim.chunk_id in ours]
        unfinished = [each for each in kept if each.unfinished]
        kept = [each for each in kept if not each.unfinished] if unfinished else kept
        again = [each for each in kept if gets_later_round(each, later_rounds)]
        settled = kept
        if again:
            settled = [each for each in kept if not gets_later_round(each, later_rounds)]
        _note_failures(cursor, again)
        _record(cursor, unfinished)
        store(cursor, enrichment, settled, batch_id=batch_id)
        _record(cursor, again)
    return found


def rehearse(enrichment: Enrichment) -> None:
    """Run the statements of a write without a row, before anything is paid.

    Raises Django's DatabaseError for what they would be refused for whatever the answers say:
    a missing column or right, a read-only database.
    """
    none = TextArray([])
    nothing: dict[str, Any] = {"ids": none, "values": none, "models": none, "variant": ""}
    with transaction.atomic(), connection.cursor() as cursor:
        if enrichment.writes:
            execute_bound(cursor, _update_sql(enrichment), nothing)
        copy_rows(cursor, "enrichment_results", _RESULT_COLUMNS, ())


def key_of(outcome: Outcome) -> tuple[str, str]:
    """What tells outcomes of a batch apart: their row and variant."""
    return outcome.item.row_id, outcome.item.variant


def recorded(
    enrichment: Enrichment, outcomes: Sequence[Outcome], *, batch_id: UUID
) -> set[tuple[str, str]]:
    """Keys of those that are stored, for a write of which nobody knows whether it was committed."""
    rows = [each.item.row_id for each in outcomes]
    stored = EnrichmentResult.objects.filter(
        batch_id=batch_id, enrichment=enrichment.name, target=enrichment.target, row_id__in=rows
    )
    claims = {each.item.claim.chunk_id for each in outcomes if each.item.claim}
    chunks = BatchChunk.objects.filter(pk__in=claims).values_list("failed_ids", "variant")
    again = {(row, variant) for failed, variant in chunks for row in failed}
    return again | set(stored.values_list("row_id", "variant"))


def finish(claims: Sequence[Claim], *, retry_delay: float) -> None:
    """End chunks whose rows are all settled; what failed forms a new chunk, due later."""
    with connection.cursor() as cursor:
        cursor.execute(
            _FINISH,
            [[each.chunk_id for each in claims], [each.token for each in claims], retry_delay],
        )


def _note_failures(cursor: CursorWrapper, again: Sequence[Outcome]) -> None:
    """Remember on their chunk the rows that get a later round."""
    rows = [(each.item.claim.chunk_id, each.item.row_id) for each in again if each.item.claim]
    if rows:
        chunks, row_ids = zip(*rows, strict=True)
        cursor.execute(_LATER_ROUND, [list(chunks), list(row_ids)])


def store(
    cursor: CursorWrapper,
    enrichment: Enrichment,
    settled: Sequence[Outcome],
    *,
    batch_id: UUID | None,
) -> None:
    """Write values, results and call records, in the transaction that the cursor is in."""
    previous = _apply(cursor, enrichment, settled)
    if settled:
        rows = (_result_row(enrichment, outcome, batch_id, previous) for outcome in settled)
        copy_rows(cursor, "enrichment_results", _RESULT_COLUMNS, rows)
    remember(cursor, [each for outcome in settled for each in outcome.item.facts])
    _record(cursor, settled)


def _record(cursor: CursorWrapper, outcomes: Sequence[Outcome]) -> None:
    beside = [call for each in outcomes for call in each.beside]
    write_records(
        cursor,
        [(each.record, each.texts) for each in outcomes if each.record and each.texts] + beside,
        found_by_checks={
            each.record.correlation_id: each.check_results for each in outcomes if each.record
        },
    )


def _apply(
    cursor: CursorWrapper, enrichment: Enrichment, settled: Sequence[Outcome]
) -> dict[tuple[str, str], str]:
    """Write applied values to their rows; returns the values that were there before, as JSON."""
    previous: dict[tuple[str, str], str] = {}
    by_variant: dict[str, list[Outcome]] = defaultdict(list)
    for each in settled if enrichment.writes else ():
        if each.state == ResultState.APPLIED:
            by_variant[each.item.variant].append(each)
    # One statement a variant: an UPDATE … FROM takes only one source row for each target row.
    for variant, applied in by_variant.items():
        found = execute_bound(
            cursor,
            _update_sql(enrichment),
            {
                "ids": TextArray([each.item.row_id for each in applied]),
                "values": column_values(enrichment, [each.value for each in applied]),
                "models": TextArray([_model(each) for each in applied]),
                "variant": variant,
            },
        )
        previous |= {(row, variant): before for row, before in found}
    return previous


def _update_sql(enrichment: Enrichment) -> str:
    """The set-based UPDATE for an enrichment's column; identifiers come from the model alone."""
    names = enrichment.sql_names()
    table, column = names["table"], names["column"]
    key, key_type = names["key"], names["key_type"]
    if enrichment.by_variant:
        before = f"to_jsonb(old.{column}) -> %(variant)s::text"
        after = (
            f"coalesce(t.{column}, '{{}}'::jsonb) || jsonb_build_object(%(variant)s::text, u.value)"
        )
    else:
        before = f"to_jsonb(old.{column})"
        after = "u.value"
    value_type = "jsonb" if enrichment.holds_json() else "text"
    marks = "".join(f", {each} = {_MARKS[each]}" for each in enrichment.marks())
    # Locked in the order of their keys, so that lanes writing the same rows can't block each other.
    return f"""
        WITH old AS (
            SELECT {key}, {column} FROM {table} WHERE {key} = ANY(%(ids)s::text[]::{key_type}[])
            ORDER BY {key} FOR UPDATE
        )
        UPDATE {table} t SET {column} = {after}{marks}
        FROM unnest(%(ids)s::text[]::{key_type}[], %(values)s::text[]::{value_type}[],
                    %(models)s::text[]) AS u(id, value, model)
        JOIN old ON old.{key} = u.id
        WHERE t.{key} = u.id
        RETURNING t.{key}::text, ({before})::text
    """  # noqa: S608 - identifiers of the model; no value of a row or user is in it


def _result_row(
    enrichment: Enrichment,
    outcome: Outcome,
    batch_id: UUID | None,
    previous: dict[tuple[str, str], str],
) -> tuple[Any, ...]:
    """The values of _RESULT_COLUMNS."""
    item, made = outcome.item, _made(outcome)
    before = previous.get((item.row_id, item.variant))
    return (
        ready_uuid(batch_id),
        enrichment.name,
        enrichment.target,
        item.row_id,
        item.variant,
        outcome.state,
        outcome.reason and storable(outcome.reason),
        item.input_hash,
        item.prompt.version if item.prompt else None,
        made.model if made else "",
        made.config_revision if made else None,
        ready_uuid(made.correlation_id) if made else None,
        jsonb(outcome.value),
        None if before is None else ready_json(before.encode()),
        _cost(outcome),
        None if outcome.suggestion is None else jsonb(outcome.suggestion),
        outcome.confidence,
        outcome.confidence_source,
        jsonb(_facts(outcome)) if item.facts else None,
        jsonb([asdict(each) for each in outcome.findings]) if outcome.findings else None,
        jsonb(asdict(outcome.decided)) if outcome.decided else None,
    )


def _made(outcome: Outcome) -> CallRecord | None:
    """The call whose answer this is; another row's may have made it."""
    return outcome.record or outcome.answered_by


def _model(outcome: Outcome) -> str:
    made = _made(outcome)
    return made.model[:100] if made is not None else ""


def _cost(outcome: Outcome) -> Decimal | None:
    """What the row cost: nothing where it shares another one's call."""
    if outcome.record is None:
        return outcome.paid_before if outcome.answered_by is not None else None
    if not outcome.beside and outcome.paid_before is NOTHING:
        return outcome.record.cost_usd
    costs = [outcome.record.cost_usd, *(record.cost_usd for record, _ in outcome.beside)]
    costs.append(outcome.paid_before)
    return None if None in costs else sum(filter(None, costs), Decimal(0))


def _facts(outcome: Outcome) -> dict[str, dict[str, str]]:
    """What staleness compares: what each source was asked with, and what it said."""
    return {
        asked.source.name: {"row": asked.row_hash, "key": asked.key, "value": said.value_hash}
        for asked, said in outcome.item.facts
    }
