"""Rows on their way through a lane: what is sent, and what came of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from enrichment.engine.claims import Claim
from enrichment.enrichments.contract import Enrichment
from enrichment.models import ResultState
from enrichment.prompts import CompiledPrompt, PromptsInForce
from enrichment.staleness import input_hash
from llmconfig.client.recording import Texts
from llmconfig.client.records import Call, CallRecord, Generation, Labels

GONE = "The row no longer exists."
PARKED = "A worker died three times while this row was in work; it is parked."


@dataclass(frozen=True, slots=True)
class Item:
    """One row, ready to be sent; `settled` says instead why it needs no call.

    `claim` is the chunk that it belongs to, None outside batches.
    """

    claim: Claim | None
    row_id: str
    variant: str
    input_hash: str = ""
    organization_id: int | None = None
    prompt: CompiledPrompt | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    settled: ResultState | None = None
    reason: str = ""
    floor: float = 0.0  # the least confidence of what is applied


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an item. `retriable` failures get a later round while there are any left."""

    item: Item
    state: ResultState
    value: Any = None
    reason: str = ""
    suggestion: Any = None
    confidence: float | None = None
    confidence_source: str = ""
    record: CallRecord | None = None
    texts: Texts | None = None
    retriable: bool = False


def load_items(
    enrichment: Enrichment, row_ids: Sequence[str], *, variant: str, claim: Claim | None = None
) -> Iterator[Item]:
    """Read the rows in one query and prepare what is said about each, in the given order."""
    prompts = PromptsInForce(enrichment)
    floor = enrichment.floor()
    columns = {"pk", *enrichment.reads}
    if enrichment.organization_field:
        columns.add(enrichment.organization_field)
    rows = {
        str(row["pk"]): row
        for row in enrichment.rows()
        .filter(pk__in=row_ids)
        .annotate(input_hash=input_hash(enrichment.reads))
        .values("input_hash", *columns)
    }
    for row_id in row_ids:
        row = rows.get(row_id)
        if row is None:
            yield Item(claim, row_id, variant, settled=ResultState.SKIPPED, reason=GONE)
        else:
            item = _item(enrichment, prompts, row, row_id=row_id, variant=variant, claim=claim)
            yield replace(item, floor=floor) if floor else item


def _item(
    enrichment: Enrichment,
    prompts: PromptsInForce,
    row: Mapping[str, Any],
    *,
    row_id: str,
    variant: str,
    claim: Claim | None,
) -> Item:
    column = enrichment.organization_field
    organization_id = row[column] if column else None
    values = enrichment.values(row, variant=variant)
    reason = enrichment.skip_reason(values, variant=variant)
    settled = ResultState.SKIPPED if reason else None
    if settled is None and claim is not None and claim.parked:
        reason, settled = PARKED, ResultState.FAILED
    return Item(
        claim=claim,
        row_id=row_id,
        variant=variant,
        input_hash=row["input_hash"],
        organization_id=organization_id,
        prompt=prompts.of(organization_id),
        values=values,
        settled=settled,
        reason=reason,
    )


def call_for(
    enrichment: Enrichment,
    item: Item,
    *,
    session_id: UUID | None,
    user_id: int | None = None,
    use_cache: bool = True,
) -> Call:
    """The call that an item makes."""
    if item.prompt is None:
        raise ValueError("A row that is gone has no call.")
    return Call(
        node=enrichment.node,
        messages=item.prompt.messages(item.values),
        schema=enrichment.schema,
        user_id=user_id,
        correlation_id=uuid7(),
        labels=Labels(
            service_name="enrichment",
            operation_type=enrichment.name,
            session_id=session_id,
            organization_id=item.organization_id,
        ),
        experiment_key=item.row_id,
        use_cache=use_cache,
    )


def judged(enrichment: Enrichment, item: Item, answer: Generation, texts: Texts | None) -> Outcome:
    """Hold an answer to the enrichment's gates: applied, or a suggestion with the reasons."""
    found = enrichment.judge(answer, item.values, variant=item.variant, floor=item.floor)
    return Outcome(
        item,
        ResultState.SUGGESTED if found.reasons else ResultState.APPLIED,
        value=found.value,
        reason=" ".join(found.reasons) or found.note,
        suggestion=found.suggestion,
        confidence=found.confidence,
        confidence_source=found.confidence_source,
        record=answer.record,
        texts=texts,
    )
