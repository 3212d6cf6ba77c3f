"""Which rows a batch takes, on what terms, and making it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import BooleanField, Func, QuerySet
from django.db.models.functions import Now
from django.db.models.sql.compiler import SQLCompiler
from django.utils.translation import gettext
from msgspec import Struct

from enrichment import signals
from enrichment.batches.chunks import cut_rows
from enrichment.batches.staleness import DEFAULT_REASONS, Reason, stale_rows
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadSelection, FeatureOff
from enrichment.language_tags import checked_language
from enrichment.models import Batch, BatchStatus, Transport
from enrichment.models.batches import TERMINAL
from enrichment.prompts.selection import TriedPrompt
from llmconfig.client.provider_batches import missing_extra
from llmconfig.client.provider_batches.answers import target_of
from llmconfig.configuration import snapshot
from llmconfig.configuration.numbers import count
from llmconfig.roles import User
from llmconfig.runtime import advisory_locks

MAX_CAP = 1_000_000  # US dollars; what the column holds


MAX_PRIORITY = 100


AUTO = "auto"


PROVIDER_BATCH_HOURS = 24


class Selection(Struct, frozen=True):
    """Which rows: all stale ones, or fewer. `ids` None means every row.

    `within` narrows them to the rows of a query over the same table, such as a filtered list's;
    `filter` says in a word what that query is. A `draft` is the prompt that forecasts and trials
    take; a batch takes none.
    """

    organization: str = ""  # slug
    limit: int | None = None
    ids: Sequence[int | str] | None = None
    within: "QuerySet[Any] | None" = None
    filter: str = ""
    force: bool = False
    stale: frozenset[Reason] = DEFAULT_REASONS
    variants: tuple[str, ...] = ("",)
    draft: TriedPrompt | None = None

    @property
    def whole_table(self) -> bool:
        """Whether no row was left out on purpose: what is begun so is kept up by itself."""
        narrowed = self.ids is not None or self.within is not None or self.limit is not None
        return not narrowed and not self.organization


class Terms(Struct, frozen=True):
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


def rows_to_do(enrichment: Enrichment, selection: Selection, *, variant: str) -> "QuerySet[Any]":
    """The selected rows in the order of their keys; raises BadSelection naming the field.

    Rows that another batch has yet to do are left to it, unless all are forced.
    """
    if selection.limit is not None and selection.limit < 1:
        raise BadSelection(
            gettext("limit: {limit} is below 1.").format(limit=selection.limit), field="limit"
        )
    rows: QuerySet[Any] = (
        enrichment.rows().all()
        if selection.force
        else _left_to_nobody(
            stale_rows(enrichment, variant=variant, reasons=selection.stale, draft=selection.draft),
            enrichment,
            variant,
        )
    )
    if selection.organization:
        if enrichment.organizations is None:
            raise BadSelection(
                gettext("organization: the rows of {target} have none.").format(
                    target=enrichment.target
                ),
                field="organization",
            )
        within = f"{enrichment.organization_field}__in"
        rows = rows.filter(**{within: enrichment.organizations.keys(selection.organization)})
    if selection.ids is not None:
        rows = rows.filter(pk__in=[enrichment.checked_key(each) for each in selection.ids])
    if selection.within is not None:
        rows = rows.filter(pk__in=selection.within.order_by().values("pk"))
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


class _LeftToNobody(Func):
    """Whether no batch is at work on a row; its key follows the table's alias in subqueries."""

    output_field = BooleanField()

    def as_sql(self, compiler: SQLCompiler, *args: Any, **kwargs: Any) -> Any:
        key, values = compiler.compile(self.get_source_expressions()[0])
        return _IN_WORK.format(key=key), [self.extra["name"], self.extra["variant"], *values]


def _left_to_nobody(rows: "QuerySet[Any]", enrichment: Enrichment, variant: str) -> "QuerySet[Any]":
    free = _LeftToNobody("pk", name=enrichment.name, variant=variant)
    found: QuerySet[Any] = rows.filter(free)
    return found


def check_allowed(enrichment: Enrichment) -> None:
    """Raises FeatureOff when this kind of work is switched off."""
    if why_off := enrichment.why_off():
        raise FeatureOff(why_off)


def check_writes(enrichment: Enrichment) -> None:
    """Raises BadSelection for an enrichment that answers people instead of enriching rows."""
    if not enrichment.in_batches:
        raise BadSelection(
            gettext("{label}: this answers one question at a time and enriches no rows.").format(
                label=enrichment.label
            ),
            field="processing_type",
        )


def check_variant(enrichment: Enrichment, variant: str) -> None:
    """A language where the enrichment has one, nothing elsewhere; raises BadSelection."""
    if enrichment.by_variant:
        checked_language(variant)
    elif variant:
        raise BadSelection(
            gettext("{label} takes no language.").format(label=enrichment.label),
            field="target_language",
        )


def check_order(
    enrichment: Enrichment, *, write_size: int | None = None, terms: Terms = NO_TERMS
) -> Transport:
    """How the calls of a batch on these terms will travel.

    Raises FeatureOff, and BadSelection, which names the field, for terms that no batch may have.
    """
    check_allowed(enrichment)
    check_writes(enrichment)
    _check_write_size(write_size)
    check_terms(terms)
    return _transport(enrichment, terms)


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
    transport = check_order(enrichment, write_size=write_size, terms=terms)
    if selection.draft is not None:
        raise BadSelection(gettext("draft: save the prompt before a batch uses it."), field="draft")
    for variant in selection.variants:
        check_variant(enrichment, variant)
    _one_after_another(name)
    batch = Batch.objects.create(
        enrichment=name,
        params={
            "organization": selection.organization,
            "limit": selection.limit,
            "variants": list(selection.variants),
            "stale": sorted(selection.stale),
            "whole_table": selection.whole_table,
            **({"filter": selection.filter} if selection.filter else {}),
        },
        force=selection.force,
        write_size=write_size,
        max_cost_usd=terms.max_cost_usd,
        priority=terms.priority,
        automatic=terms.automatic,
        transport=transport,
        created_by=user,
    )
    batch.rows_total = sum(
        cut_rows(batch, enrichment, rows_to_do(enrichment, selection, variant=variant), variant)
        for variant in selection.variants
    )
    if not batch.rows_total:
        batch.status = BatchStatus.COMPLETED
        batch.status_reason = _nothing_to_do(batch)
        batch.started_at = batch.finished_at = Now()
    batch.save()
    if not batch.rows_total:
        signals.tell(batch.pk, BatchStatus.COMPLETED)
    batch.refresh_from_db()
    return batch


def _one_after_another(name: str) -> None:
    """Until we commit: whoever starts the same at the same moment has to see our rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [advisory_locks.BATCH_CREATION, name]
        )


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
            gettext(
                "batch_size: {write_size} is not between 1 and {largest} (LLM_BATCH_MAX_SIZE)."
            ).format(write_size=write_size, largest=largest),
            field="batch_size",
        )


def check_terms(terms: Terms) -> None:
    """Raises BadSelection for a cap or priority out of bounds, naming the field."""
    if terms.max_cost_usd is not None and not 0 < terms.max_cost_usd < MAX_CAP:
        raise BadSelection(
            gettext("max_cost_usd: {max_cost_usd} is not above 0 and below {max_cap}.").format(
                max_cost_usd=terms.max_cost_usd, max_cap=count(MAX_CAP)
            ),
            field="max_cost_usd",
        )
    if not -MAX_PRIORITY <= terms.priority <= MAX_PRIORITY:
        raise BadSelection(
            gettext(
                "priority: {priority} is not between -{max_priority} and {max_priority}."
            ).format(priority=terms.priority, max_priority=MAX_PRIORITY),
            field="priority",
        )


def _transport(enrichment: Enrichment, terms: Terms) -> Transport:
    """How the calls will travel; raises BadSelection for what can't be had."""
    if terms.transport not in {AUTO, *Transport}:
        known = ", ".join((AUTO, *Transport))
        raise BadSelection(
            gettext("transport: {transport!r} is none; there are {known}.").format(
                transport=terms.transport, known=known
            ),
            field="transport",
        )
    if terms.transport == Transport.LIVE:
        if terms.within_hours is not None:
            said = gettext("within_hours: live calls begin at once; use auto, or leave this out.")
            raise BadSelection(said, field="within_hours")
        return Transport.LIVE
    target = target_of(enrichment.node, snapshot.current())
    in_time = terms.within_hours is None or terms.within_hours >= PROVIDER_BATCH_HOURS
    if target is None or not in_time:
        if terms.transport == AUTO:
            return Transport.LIVE
        raise BadSelection(
            gettext(
                "transport: provider_batch needs OpenAI or Anthropic behind the node, and a "
                "day's time. Use live."
            ),
            field="transport",
        )
    if lacks := missing_extra(target):
        if terms.transport == AUTO:
            return Transport.LIVE
        raise BadSelection(
            gettext("transport: {lacks} Or use live.").format(lacks=lacks), field="transport"
        )
    return Transport.PROVIDER_BATCH
