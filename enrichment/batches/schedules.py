"""Planned batches: made by a person, started by a timer when they are due."""

import datetime as dt
import logging
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from enrichment.batches import creation
from enrichment.batches.creation import Selection, Terms
from enrichment.batches.staleness import Reason
from enrichment.enrichments import get
from enrichment.errors import BadSelection, EnrichmentError
from enrichment.models import Batch, BatchSchedule, Recurrence
from enrichment.models.schedules import PERIODS
from llmconfig.roles import User

logger = logging.getLogger(__name__)

MAX_DUE = 20  # schedules a round


def plan(
    name: str,
    selection: Selection,
    terms: Terms,
    *,
    at: dt.datetime,
    recurrence: str,
    user: User | None = None,
) -> BatchSchedule:
    """Keep a batch for later, checked as if it began now; `at` is the first start.

    Raises UnknownEnrichment, FeatureOff, and BadSelection, also for a list's filter, which only
    stands for rows while its list is open.
    """
    enrichment = get(name)
    creation.check_allowed(enrichment)
    creation.check_writes(enrichment)
    if selection.within is not None:
        raise BadSelection(
            gettext(
                "at: a list's filter can't be planned. Tick its rows, or choose an organization."
            ),
            field="at",
        )
    if recurrence not in Recurrence.values:
        known = ", ".join(Recurrence.values)
        raise BadSelection(
            gettext("recurrence: {recurrence!r} is none; there are {known}.").format(
                recurrence=recurrence, known=known
            ),
            field="recurrence",
        )
    for variant in selection.variants:
        creation.check_variant(enrichment, variant)
        creation.rows_to_do(enrichment, selection, variant=variant)
    creation.check_terms(terms)
    return BatchSchedule.objects.create(
        enrichment=name,
        selection=_kept_selection(selection),
        terms=_kept_terms(terms),
        recurrence=recurrence,
        next_at=at,
        created_by=user,
    )


def start_due() -> list[Batch]:
    """Make the batches that are due; the caller queues their lanes.

    Each is made in a transaction that holds its schedule, so that no two processes make it. One
    that can't be made says why, and tries again at its next time. A time that was missed is made up
    for once.
    """
    due = BatchSchedule.objects.filter(is_enabled=True, next_at__lte=timezone.now())
    made = [_start(key) for key in due.order_by("next_at").values_list("pk", flat=True)[:MAX_DUE]]
    return [batch for batch in made if batch is not None]


def _start(key: Any) -> Batch | None:
    with transaction.atomic():
        schedule = (
            BatchSchedule.objects.select_for_update(skip_locked=True)
            .filter(pk=key, is_enabled=True, next_at__lte=timezone.now())
            .first()
        )
        if schedule is None:
            return None
        batch, error = _made(schedule)
        schedule.last_error = error
        schedule.last_batch = batch or schedule.last_batch
        _move_on(schedule)
        schedule.save()
    return batch


def _made(schedule: BatchSchedule) -> tuple[Batch | None, str]:
    """The batch, or why there is none."""
    try:
        with transaction.atomic():
            batch = creation.create(
                schedule.enrichment,
                _selection(schedule.selection),
                terms=_terms(schedule.terms),
                user=schedule.created_by,
            )
    except EnrichmentError as error:
        logger.warning("%s could not start: %s", schedule, error)
        return None, str(error)
    return batch, ""


def _move_on(schedule: BatchSchedule) -> None:
    """To its next time after now, or to its end."""
    period = PERIODS.get(schedule.recurrence)
    if period is None:
        schedule.is_enabled = False
        return
    missed = (timezone.now() - schedule.next_at) // period
    schedule.next_at += period * (missed + 1)


def _kept_selection(selection: Selection) -> dict[str, Any]:
    return {
        "organization": selection.organization,
        "limit": selection.limit,
        "ids": None if selection.ids is None else [str(each) for each in selection.ids],
        "force": selection.force,
        "stale": sorted(selection.stale),
        "variants": list(selection.variants),
    }


def _selection(kept: dict[str, Any]) -> Selection:
    return Selection(
        organization=kept["organization"],
        limit=kept["limit"],
        ids=kept["ids"],
        force=kept["force"],
        stale=frozenset(Reason(each) for each in kept["stale"]),
        variants=tuple(kept["variants"]),
    )


def _kept_terms(terms: Terms) -> dict[str, Any]:
    cap = terms.max_cost_usd
    return {
        "max_cost_usd": None if cap is None else str(cap),
        "priority": terms.priority,
        "transport": terms.transport,
        "within_hours": terms.within_hours,
    }


def _terms(kept: dict[str, Any]) -> Terms:
    cap = kept["max_cost_usd"]
    return Terms(
        max_cost_usd=None if cap is None else Decimal(cap),
        priority=kept["priority"],
        transport=kept["transport"],
        within_hours=kept["within_hours"],
    )
