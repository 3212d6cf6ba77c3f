"""Batches from the outside: make one, control it, see how far it is."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.utils import timezone

from enrichment.batches.staleness import DEFAULT_REASONS, Reason, stale_rows
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment
from enrichment.enrichments.translation import checked_language
from enrichment.errors import BadSelection, FeatureOff, NotAllowedNow
from enrichment.models import (
    Batch,
    BatchChunk,
    BatchStatus,
    ChunkStatus,
    Organization,
    ResultState,
    Transport,
)
from enrichment.models.batches import TERMINAL, WORKABLE
from llmconfig.client.provider_batches.answers import target_of
from llmconfig.configuration import snapshot

MAX_CHUNK = 500
MIN_CHUNK = 20
INSERT_TOGETHER = 100
MAX_CAP = 1_000_000  # US dollars; what the column holds
MAX_PRIORITY = 100
AUTO = "auto"
PROVIDER_BATCH_HOURS = 24
_CREATING = 0x6E6F6465  # any number of our own, for locks of two


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows: all stale ones, or fewer. `ids` None means every row."""

    organization: str = ""  # slug
    limit: int | None = None
    ids: Sequence[int | str] | None = None
    force: bool = False
    stale: frozenset[Reason] = DEFAULT_REASONS
    variants: tuple[str, ...] = ("",)

    @property
    def whole_table(self) -> bool:
        """Whether no row was left out on purpose: what is begun so is kept up by itself."""
        return self.ids is None and self.limit is None and not self.organization


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a batch runs: the most it may cost in US dollars, what it goes before,
    whether nobody asked for it, and how its calls travel.

    `transport` is live, provider_batch or auto: the latter where it saves money, the result may
    take a day (`within_hours`, None: any time) and nothing speaks against it.
    """

    max_cost_usd: Decimal | None = None
    priority: int = 0
    automatic: bool = False
    transport: str = Transport.LIVE
    within_hours: float | None = None


NO_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Spent:
    """What a batch has used up by now, summed over its chunks.

    A row counts as tried, and perhaps as failed, once in each round.
    """

    tries: int
    failures: int
    cost_usd: Decimal
    held_usd: Decimal  # what its rows at providers may cost at most, where it has a cap


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is. Rates are rows per second; money is US dollars."""

    status: str
    reason: str
    total: int
    done: int
    failed: int
    skipped: int
    waiting: int  # rows that failed and are due for a later round
    calls: int
    calls_repaid: int
    tokens: int
    cost_usd: Decimal
    unpriced_calls: int
    seconds: float
    rows_per_second: float
    eta_seconds: float | None
    next_due_at: dt.datetime | None = field(default=None)

    @property
    def finished(self) -> int:
        """Rows that need nothing more."""
        return self.done + self.failed + self.skipped


def rows_to_do(enrichment: Enrichment, selection: Selection, *, variant: str) -> "QuerySet[Any]":
    """The selected rows in the order of their keys; raises BadSelection naming the field.

    Rows that another batch has yet to do are left to it, unless all are forced.
    """
    if selection.limit is not None and selection.limit < 1:
        raise BadSelection(f"limit: {selection.limit} is below 1.", field="limit")
    rows: QuerySet[Any] = (
        enrichment.rows().all()
        if selection.force
        else _left_to_nobody(
            stale_rows(enrichment, variant=variant, reasons=selection.stale), enrichment, variant
        )
    )
    if selection.organization:
        if not enrichment.organization_field:
            raise BadSelection(
                f"organization: the rows of {enrichment.target} have none.", field="organization"
            )
        within = f"{enrichment.organization_field}__in"
        rows = rows.filter(**{within: organization_ids(selection.organization)})
    if selection.ids is not None:
        rows = rows.filter(pk__in=[enrichment.checked_key(each) for each in selection.ids])
    rows = rows.order_by("pk")
    return rows[: selection.limit] if selection.limit else rows


_IN_WORK = """
NOT EXISTS (
    SELECT FROM enrichment_batch_chunks c
    JOIN enrichment_batches b ON b.id = c.batch_id,
    unnest(c.row_ids || c.failed_ids) AS u(row_id)
    WHERE b.status IN ('pending', 'running', 'paused') AND c.status <> 'done'
      AND b.enrichment = %s AND c.variant = %s AND u.row_id = {key}::text
)
"""


def _left_to_nobody(rows: "QuerySet[Any]", enrichment: Enrichment, variant: str) -> "QuerySet[Any]":
    names = enrichment.sql_names()
    key = f"{names['table']}.{names['key']}"
    free = RawSQL(  # noqa: S611 - identifiers of the model
        _IN_WORK.format(key=key), [enrichment.name, variant], output_field=BooleanField()
    )
    found: QuerySet[Any] = rows.filter(free)
    return found


def organization_ids(slug: str) -> Any:
    """The rescues of a slug, as a subquery for `organization_id__in`; raises BadSelection."""
    found = Organization.objects.filter(slug=slug)
    if not found.exists():
        raise BadSelection(
            f"organization: there is none with the slug {slug!r}; the admin lists them.",
            field="organization",
        )
    return found.values("pk")


def check_allowed(enrichment: Enrichment) -> None:
    """Raises FeatureOff when the environment switches this kind of work off."""
    if enrichment.feature and not snapshot.current().setting(enrichment.feature):
        raise FeatureOff(
            f"{enrichment.label} is switched off by {enrichment.feature}; set it to true."
        )


def check_writes(enrichment: Enrichment) -> None:
    """Raises BadSelection for an enrichment that answers people instead of enriching rows."""
    if not enrichment.in_batches:
        raise BadSelection(
            f"{enrichment.label}: this answers one question at a time and enriches no rows.",
            field="processing_type",
        )


def check_variant(enrichment: Enrichment, variant: str) -> None:
    """A language where the enrichment has one, nothing elsewhere; raises BadSelection."""
    if enrichment.by_variant:
        checked_language(variant)
    elif variant:
        raise BadSelection(f"{enrichment.label} takes no language.", field="target_language")


@transaction.atomic
def create(
    name: str,
    selection: Selection,
    *,
    write_size: int | None = None,
    terms: Terms = NO_TERMS,
    user: User | None = None,
) -> Batch:
    """Select the rows and cut them into chunks. Nothing runs yet; an empty batch is completed.

    Raises UnknownEnrichment, FeatureOff, BadSelection.
    """
    enrichment = get(name)
    check_allowed(enrichment)
    check_writes(enrichment)
    for variant in selection.variants:
        check_variant(enrichment, variant)
    _check_write_size(write_size)
    _check_terms(terms)
    _one_after_another(name)
    batch = Batch.objects.create(
        enrichment=name,
        params={
            "organization": selection.organization,
            "limit": selection.limit,
            "variants": list(selection.variants),
            "stale": sorted(selection.stale),
            "whole_table": selection.whole_table,
        },
        force=selection.force,
        write_size=write_size,
        max_cost_usd=terms.max_cost_usd,
        priority=terms.priority,
        automatic=terms.automatic,
        transport=_transport(enrichment, terms),
        created_by=user,
    )
    batch.rows_total = sum(
        _cut_rows(batch, variant, rows_to_do(enrichment, selection, variant=variant))
        for variant in selection.variants
    )
    if not batch.rows_total:
        batch.status = BatchStatus.COMPLETED
        batch.status_reason = _nothing_to_do(batch)
        batch.started_at = batch.finished_at = timezone.now()
    batch.save()
    return batch


def _one_after_another(name: str) -> None:
    """Until we commit: whoever starts the same at the same moment has to see our rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_CREATING, name])


def _nothing_to_do(batch: Batch) -> str:
    """Why a batch has no rows."""
    others = Batch.objects.filter(enrichment=batch.enrichment).exclude(status__in=TERMINAL)
    other = others.exclude(pk=batch.pk).first()
    if other is None or batch.force:
        return "No row needed work."
    return f"No row needed work but those of batch {other.pk}, which is {other.status}."


def _check_write_size(write_size: int | None) -> None:
    largest = snapshot.current().setting("LLM_BATCH_MAX_SIZE")
    if write_size is not None and not 1 <= write_size <= largest:
        raise BadSelection(
            f"batch_size: {write_size} is not between 1 and {largest} (LLM_BATCH_MAX_SIZE).",
            field="batch_size",
        )


def _check_terms(terms: Terms) -> None:
    if terms.max_cost_usd is not None and not 0 < terms.max_cost_usd < MAX_CAP:
        raise BadSelection(
            f"max_cost_usd: {terms.max_cost_usd} is not above 0 and below {MAX_CAP:,}.",
            field="max_cost_usd",
        )
    if not -MAX_PRIORITY <= terms.priority <= MAX_PRIORITY:
        raise BadSelection(
            f"priority: {terms.priority} is not between -{MAX_PRIORITY} and {MAX_PRIORITY}.",
            field="priority",
        )


def _transport(enrichment: Enrichment, terms: Terms) -> Transport:
    """How the calls will travel; raises BadSelection for what can't be had."""
    if terms.transport not in {AUTO, *Transport}:
        known = ", ".join((AUTO, *Transport))
        raise BadSelection(
            f"transport: {terms.transport!r} is none; there are {known}.", field="transport"
        )
    if terms.transport == Transport.LIVE:
        return Transport.LIVE
    target = target_of(enrichment.node, snapshot.current())
    in_time = terms.within_hours is None or terms.within_hours >= PROVIDER_BATCH_HOURS
    if target is None or not in_time:
        if terms.transport == AUTO:
            return Transport.LIVE
        raise BadSelection(
            "transport: provider_batch needs OpenAI or Anthropic behind the node, and a day's time."
            " Use live.",
            field="transport",
        )
    return Transport.PROVIDER_BATCH


def _cut_rows(batch: Batch, variant: str, rows: "QuerySet[Any]") -> int:
    """Cut a selection; the keys stream, so memory doesn't grow with them."""
    keys = (str(key) for key in rows.values_list("pk", flat=True).iterator())
    return _cut(batch, variant, keys, size=_chunk_size(rows.count()))


def _cut(batch: Batch, variant: str, keys: Iterable[str], *, size: int) -> int:
    """Store keys in chunks; returns how many there are."""
    total = 0
    left_to_provider = batch.transport == Transport.PROVIDER_BATCH
    status = ChunkStatus.AWAY if left_to_provider else ChunkStatus.OPEN
    chunks = (
        BatchChunk(batch=batch, variant=variant, row_ids=group, status=status)
        for group in _groups(keys, size)
    )
    while together := list(islice(chunks, INSERT_TOGETHER)):
        total += sum(len(chunk.row_ids) for chunk in together)
        BatchChunk.objects.bulk_create(together)
    return total


def _chunk_size(rows: int) -> int:
    """Small enough that every lane gets several, large enough that claims cost nothing."""
    lanes: int = snapshot.current().processing.get("concurrent_tasks", 1)
    return max(MIN_CHUNK, min(MAX_CHUNK, rows // (lanes * 4)))


def _groups(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(keys)
    while group := list(islice(iterator, size)):
        yield group


def pause(batch: Batch, *, reason: str = "Paused by a person.") -> None:
    """Send nothing more; what is in flight is still written. Raises NotAllowedNow."""
    _move(batch, WORKABLE, BatchStatus.PAUSED, reason)


@transaction.atomic
def resume(batch: Batch, *, max_cost_usd: Decimal | None = None) -> None:
    """Go on where it stopped, perhaps under another cap; the caller queues lanes.

    Its error budget counts anew. Raises NotAllowedNow, also while its cap is spent, and
    BadSelection for a cap that is none.
    """
    _check_terms(Terms(max_cost_usd=max_cost_usd))
    cap = batch.max_cost_usd if max_cost_usd is None else max_cost_usd
    used = spent(batch.pk)
    if batch.status == BatchStatus.PAUSED and cap is not None and used.cost_usd >= cap:
        raise NotAllowedNow(
            f"Batch {batch.pk} has spent ${used.cost_usd:.4f} of its cap of ${cap.normalize():f};"
            " resume it with a higher one (max_cost_usd, --max-cost)."
        )
    _move(batch, {BatchStatus.PAUSED}, BatchStatus.PENDING, "")
    batch.max_cost_usd = cap
    batch.save(update_fields=["max_cost_usd"])
    _count_anew(batch)


def _count_anew(batch: Batch) -> None:
    """Have error budget and pace count what comes, not what was."""
    used = spent(batch.pk)
    batch.tries_before, batch.failures_before = used.tries, used.failures
    batch.finished_before, batch.resumed_at = progress(batch.pk).finished, timezone.now()
    batch.save(update_fields=["tries_before", "failures_before", "finished_before", "resumed_at"])


def cancel(batch: Batch) -> None:
    """End it; what is written stays. Raises NotAllowedNow."""
    _move(batch, {*WORKABLE, BatchStatus.PAUSED}, BatchStatus.CANCELLED, "Cancelled by a person.")


@transaction.atomic
def retry_failed(batch: Batch) -> int:
    """Give the failed rows of a completed batch another try; the caller queues lanes.

    Returns how many there are. Raises NotAllowedNow; a batch that is not completed may still hold
    its failed rows in a chunk.
    """
    now = Batch.objects.select_for_update().get(pk=batch.pk)
    failed = now.results.filter(state=ResultState.FAILED)
    if now.status != BatchStatus.COMPLETED or not failed.exists():
        why = "has no failed rows" if now.status == BatchStatus.COMPLETED else "is not completed"
        raise NotAllowedNow(f"Batch {batch.pk} {why}; there is nothing to try again.")
    total = 0
    for variant in list(failed.order_by("variant").values_list("variant", flat=True).distinct()):
        keys = failed.filter(variant=variant).order_by("id").values_list("row_id", flat=True)
        total += _cut(now, variant, list(keys), size=_chunk_size(len(keys)))
    failed.delete()
    now.chunks.filter(status=ChunkStatus.DONE).update(rows_failed=0)
    now.status, now.status_reason, now.finished_at = BatchStatus.PENDING, "", None
    now.save(update_fields=["status", "status_reason", "finished_at"])
    _count_anew(now)
    batch.refresh_from_db()
    return total


def in_work(batch: Batch) -> bool:
    """Whether a worker still holds rows of it, as for some seconds after a cancel."""
    return batch.chunks.filter(status=ChunkStatus.LEASED, leased_until__gt=Now()).exists()


def _move(batch: Batch, allowed: Iterable[str], status: BatchStatus, reason: str) -> None:
    """One conditional write, so that two people pressing at once can't both win."""
    finished = timezone.now() if status in TERMINAL else None
    moved = Batch.objects.filter(pk=batch.pk, status__in=list(allowed)).update(
        status=status, status_reason=reason, finished_at=finished
    )
    batch.refresh_from_db()
    if not moved:
        raise NotAllowedNow(
            f"Batch {batch.pk} is {batch.get_status_display().lower()};"
            f" it can't become {status.label.lower()}."
        )


_SPENT = """
SELECT coalesce(sum(rows_done + rows_failed + cardinality(failed_ids)), 0),
       coalesce(sum(rows_failed + cardinality(failed_ids)), 0),
       coalesce(sum(cost_usd), 0),
       (SELECT coalesce(sum(s.held_usd), 0) FROM enrichment_provider_submissions s
        JOIN enrichment_batch_chunks c ON c.id = s.chunk_id
        WHERE c.batch_id = %s AND s.state IN ('intended', 'submitted'))
FROM enrichment_batch_chunks WHERE batch_id = %s
"""


def unpriced_cap(cap: Decimal, model: str) -> str:
    """Why a batch with a cap can't go on with a model whose price nobody knows."""
    return (
        f"Its cap of ${cap.normalize():f} can't be kept: the price of {model} is unknown. Enter"
        " one, or start a batch without a cap."
    )


def spent(batch_id: UUID) -> Spent:
    """What a batch has used of its cap and its error budget."""
    with connection.cursor() as cursor:
        cursor.execute(_SPENT, [batch_id, batch_id])
        return Spent(*cursor.fetchone())


_TOTALS = """
SELECT coalesce(sum(rows_done), 0), coalesce(sum(rows_failed), 0), coalesce(sum(rows_skipped), 0),
       coalesce(sum(cardinality(row_ids)) FILTER (WHERE round > 0 AND status = 'open'), 0),
       coalesce(sum(calls), 0), coalesce(sum(calls_repaid), 0), coalesce(sum(tokens), 0),
       coalesce(sum(cost_usd), 0), coalesce(sum(unpriced_calls), 0),
       min(due_at) FILTER (WHERE status = 'open' AND due_at > now())
FROM enrichment_batch_chunks WHERE batch_id = %s
"""


def progress(batch_id: UUID) -> Progress:
    """Sum up the chunks: a few hundred narrow rows, whatever the size of the batch."""
    batch = Batch.objects.get(pk=batch_id)
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, [batch_id])
        done, failed, skipped, waiting, calls, repaid, tokens, cost, unpriced, due = (
            cursor.fetchone()
        )
    seconds = 0.0
    if batch.started_at:
        seconds = ((batch.finished_at or timezone.now()) - batch.started_at).total_seconds()
    finished = done + failed + skipped
    rate = _pace(batch, finished)
    left = batch.rows_total - finished
    return Progress(
        status=batch.status,
        reason=batch.status_reason,
        total=batch.rows_total,
        done=done,
        failed=failed,
        skipped=skipped,
        waiting=waiting,
        calls=calls,
        calls_repaid=repaid,
        tokens=tokens,
        cost_usd=cost,
        unpriced_calls=unpriced,
        seconds=seconds,
        rows_per_second=rate,
        eta_seconds=left / rate if rate and batch.status not in TERMINAL else None,
        next_due_at=due,
    )


def _pace(batch: Batch, finished: int) -> float:
    """Rows a second since it was last let go on; 0 while it stands still."""
    since = batch.resumed_at or batch.started_at
    if since is None or batch.status == BatchStatus.PAUSED:
        return 0.0
    seconds = ((batch.finished_at or timezone.now()) - since).total_seconds()
    return max(0, finished - batch.finished_before) / seconds if seconds > 0 else 0.0
