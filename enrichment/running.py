"""Enriching by a function call: a queryset as a batch, or one row at once, sync and async."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, TypedDict, Unpack

from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext

from enrichment import single
from enrichment.batches import creation
from enrichment.batches.creation import Selection, Terms
from enrichment.batches.staleness import DEFAULT_REASONS, Reason
from enrichment.engine.inline import run_inline
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadSelection
from enrichment.lane_queue import start_lanes_after_commit
from enrichment.models import Batch, BatchStatus, Transport
from enrichment.single import SingleResult
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import resolve
from llmconfig.roles import User

Kind = type[Enrichment] | Enrichment | str
Rows = QuerySet[Any] | Iterable[Any] | None


class RunOptions(TypedDict, total=False):
    """What a batch takes and on what terms, as docs/enrichments.md says.

    `cap_usd` pauses it when it has cost so many US dollars. `languages` are for enrichments that
    write one value for each. `stale`, `force` and `limit` choose among the rows. `priority` is what
    it goes before, `transport` live, provider_batch or auto, `user` who asked.
    """

    cap_usd: Decimal | float | str
    languages: Iterable[str]
    stale: Iterable[str]
    force: bool
    limit: int
    priority: int
    transport: str
    user: User


def run(
    enrichment: Kind, rows: Rows = None, *, wait: bool = False, **options: Unpack[RunOptions]
) -> Batch:
    """Make a batch of the rows that need work, and set it going; `options` as in `RunOptions`.

    `enrichment` is a registered one: its class, an instance or its name. `rows` are a queryset of
    its table, or rows or keys; None takes the whole table.

    Workers take it up when the transaction is committed; without a broker they find it by
    themselves. With `wait` this thread works on it until it has ended or paused, outside of any
    transaction. The batch tells its status; `progress` tells the rest.

    Raises UnknownEnrichment, FeatureOff, BadSelection naming the argument, llmconfig's
    ConfigurationError where no call could be made, NoWorkers where Celery isn't installed or its
    broker can't be reached (the batch is stored; after a transaction that is only logged), and
    RuntimeError for `wait` in a transaction.
    """
    found = known(enrichment)
    selection = selected(found, rows, options)
    terms = terms_of(options)
    resolve(found.node, snapshot=snapshot.current())
    with transaction.atomic(durable=wait):
        batch = creation.create(found.name, selection, terms=terms, user=options.get("user"))
    if batch.status == BatchStatus.COMPLETED:
        return batch
    if wait:
        run_inline(batch.pk, may_go_on=lambda: True)
        batch.refresh_from_db()
    else:
        start_lanes_after_commit(batch)
    return batch


async def arun(
    enrichment: Kind, rows: Rows = None, *, wait: bool = False, **options: Unpack[RunOptions]
) -> Batch:
    """As `run`, for code on an event loop: the database is asked, and waited, in a thread."""
    return await sync_to_async(run)(enrichment, rows, wait=wait, **options)


def enrich_one(
    enrichment: Kind, row: Any, *, language: str = "", user: User | None = None
) -> SingleResult:
    """Enrich one row, an object or its key, and wait for it; the row stays if that fails.

    The result has `state` (`applied`, `suggested`, `failed`, `skipped`), `value` and `reason`.
    Raises UnknownEnrichment, FeatureOff, BadSelection for a row that isn't there or a language that
    is missing, and llmconfig's ConfigurationError where no call could be made.
    """
    found = known(enrichment)
    return single.enrich_row(found.name, _key(found, row), variant=language, user=user)


async def aenrich_one(
    enrichment: Kind, row: Any, *, language: str = "", user: User | None = None
) -> SingleResult:
    """As `enrich_one`, for code on an event loop."""
    return await sync_to_async(enrich_one)(enrichment, row, language=language, user=user)


def known(enrichment: Kind) -> Enrichment:
    """The registered one of a class, an instance or a name; raises UnknownEnrichment."""
    return get(enrichment if isinstance(enrichment, str) else enrichment.name)


def _reason(word: str) -> Reason:
    try:
        return Reason(word)
    except ValueError:
        known = ", ".join(Reason)
        raise BadSelection(
            gettext("stale: {word!r} is none; there are {known}.").format(word=word, known=known),
            field="stale",
        ) from None


def selected(enrichment: Enrichment, rows: Rows, options: RunOptions) -> Selection:
    """The rows that a batch of these arguments takes; raises BadSelection naming the argument."""
    ids: list[Any] | None = None
    within: QuerySet[Any] | None = None
    if isinstance(rows, QuerySet):
        _check_model(enrichment, rows.model)
        if rows.query.is_sliced or rows.query.combinator:
            ids = list(rows.values_list("pk", flat=True))
        else:
            within = rows
    elif rows is not None:
        ids = [_key(enrichment, each) for each in rows]
    return Selection(
        limit=options.get("limit"),
        ids=ids,
        within=within,
        filter="" if within is None else "queryset",
        force=options.get("force", False),
        stale=frozenset(map(_reason, options.get("stale", DEFAULT_REASONS))),
        variants=tuple(dict.fromkeys(options.get("languages", ()))) or ("",),
    )


def terms_of(options: RunOptions) -> Terms:
    """On what terms a batch runs; raises BadSelection for a cap that is no amount."""
    cap = options.get("cap_usd")
    try:
        max_cost_usd = None if cap is None else Decimal(str(cap))
    except InvalidOperation:
        raise BadSelection(
            gettext("cap_usd: {cap!r} is no amount.").format(cap=cap), field="cap_usd"
        ) from None
    return Terms(
        max_cost_usd=max_cost_usd,
        priority=options.get("priority", 0),
        transport=options.get("transport", Transport.LIVE),
    )


def _key(enrichment: Enrichment, row: Any) -> Any:
    if not isinstance(row, Model):
        return row
    _check_model(enrichment, type(row))
    return row.pk


def _check_model(enrichment: Enrichment, model: type[Model]) -> None:
    if not issubclass(model, enrichment.model()):
        raise BadSelection(
            gettext("rows: these are of {label}, and {name} enriches {target}.").format(
                label=model._meta.label,  # noqa: SLF001 - Django's documented name
                name=enrichment.name,
                target=enrichment.target,
            ),
            field="rows",
        )
