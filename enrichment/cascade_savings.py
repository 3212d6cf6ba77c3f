"""What cascades saved over a time, by node: in batches, as their pages say, and in single calls.

Runs over sets aren't counted: nobody would have asked the own model for them.
"""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Q
from django.utils import timezone
from msgspec import Struct, field

from enrichment.batches.cascades import figures_in
from enrichment.cascades.savings import CallCosts, CascadeSaving, saving_of, together
from enrichment.cascades.steering import Way
from enrichment.enrichments import get
from enrichment.errors import UnknownEnrichment
from enrichment.models import Batch, BatchCascade, CallCascade, EnrichmentResult
from metrics.analyzers.savings import Saving

WAY = "cascade"  # among the ways of saving
# The records of a cascade's calls say what it did, and for whose cascade a call beside the answer
# was made: another sample, a judge's word, or a cheap answer that wasn't good enough.
BY_CALLS = """
SELECT node, count(*) FILTER (WHERE kept), count(*) FILTER (WHERE own),
    sum(cost_usd) FILTER (WHERE NOT own), count(*) FILTER (WHERE NOT own AND cost_usd IS NULL),
    sum(cost_usd) FILTER (WHERE own), count(*) FILTER (WHERE own AND cost_usd IS NULL),
    sum(cost_usd::float8 * cost_usd::float8) FILTER (WHERE own)
FROM (
    SELECT coalesce(metadata->>'cascade_for', method_name) AS node, cost_usd,
        NOT metadata ? 'cascade_for' AND metadata->>'cascade' = 'kept' AS kept,
        NOT metadata ? 'cascade_for' AND metadata->>'cascade' <> 'kept' AS own
    FROM llm_generation_metrics
    WHERE metadata ? 'cascade' AND metadata->>'cascade' IN ('kept', 'own', 'audited')
        AND created_at >= %s AND created_at < %s
) AS calls
WHERE node = ANY(%s) GROUP BY node
"""


class BatchSaving(Struct, frozen=True):
    """What a batch's cascade saved in the time: all, or the rows that were written in it."""

    batch: Batch
    saving: CascadeSaving


class NodeSavings(Struct):
    """What a node's cascade saved: in each batch, the newest first, and in all single calls."""

    node: str
    batches: list[BatchSaving] = field(default_factory=list)
    calls: CascadeSaving | None = None

    @property
    def total(self) -> CascadeSaving:
        """Of all."""
        single = [] if self.calls is None else [self.calls]
        return together([*(each.saving for each in self.batches), *single])


def by_node(*, since: dt.datetime, until: dt.datetime) -> list[NodeSavings]:
    """The nodes whose cascades were at work from `since` to before `until`, by their names."""
    found: dict[str, NodeSavings] = {}
    for each in _of_batches(since, until):
        node = _node_of(each.batch)
        found.setdefault(node, NodeSavings(node)).batches.append(each)
    for node, saving in _of_calls(since, until).items():
        found.setdefault(node, NodeSavings(node)).calls = saving
    return [found[node] for node in sorted(found)]


def savings_by_cascades(since: dt.datetime, until: dt.datetime) -> list[Saving]:
    """The same as ways of saving, one for each node."""
    totals = [(each.node, each.total) for each in by_node(since=since, until=until)]
    return [
        Saving(WAY, total.kept, total.unknown, total.usd, node, total.low_usd, total.high_usd)
        for node, total in totals
    ]


def _of_batches(since: dt.datetime, until: dt.datetime) -> list[BatchSaving]:
    """Of those that were worked on in the time."""
    rows = list(
        BatchCascade.objects.filter(created_at__lt=until)
        .filter(Q(batch__finished_at=None) | Q(batch__finished_at__gte=since))
        .exclude(cheap_calls=0)
        .select_related("batch")
        .order_by("-created_at")
    )
    parts = _rows_written(
        [each for each in rows if not _is_within(each, since, until)], since, until
    )
    return [
        BatchSaving(each.batch, _part(each, *parts[each.pk]) if each.pk in parts else _whole(each))
        for each in rows
        if parts.get(each.pk) != (0, 0)
    ]


def _is_within(row: BatchCascade, since: dt.datetime, until: dt.datetime) -> bool:
    """Whether all of a batch was done in the time; its cascade begins with its first lane."""
    return row.created_at >= since and (row.batch.finished_at or timezone.now()) < until


def _whole(row: BatchCascade) -> CascadeSaving:
    return figures_in(row).saving


def _part(row: BatchCascade, kept: int, rows: int) -> CascadeSaving:
    """Of the rows that were written in the time: their kept answers, and their share of the cheap
    calls' cost.
    """
    whole = figures_in(row)
    share = Decimal(rows) / max(1, whole.rows)
    cheap = None if whole.cheap_usd is None else whole.cheap_usd * min(Decimal(1), share)
    return saving_of(kept=kept, cheap_usd=cheap, own=whole.own_calls)


def _rows_written(
    rows: Sequence[BatchCascade], since: dt.datetime, until: dt.datetime
) -> dict[Any, tuple[int, int]]:
    """By batch: the rows that kept the cheap answer in the time, and all that went through."""
    found = dict.fromkeys([each.pk for each in rows], (0, 0))
    written = EnrichmentResult.objects.filter(
        batch__in=list(found), cascade__isnull=False, created_at__gte=since, created_at__lt=until
    )
    kept = Count("id", filter=Q(cascade__way=Way.CHEAP.value))
    for batch, *numbers in written.values_list("batch").annotate(kept=kept, rows=Count("id")):
        found[batch] = numbers[0], numbers[1]
    return found


def _of_calls(since: dt.datetime, until: dt.datetime) -> dict[str, CascadeSaving]:
    nodes = list(CallCascade.objects.values_list("node", flat=True))
    if not nodes:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(BY_CALLS, [since, until, nodes])
        rows = cursor.fetchall()
    found = {}
    for node, kept, own, cheap_usd, cheap_unknown, own_usd, own_unknown, squares in rows:
        costs = CallCosts(own, None if own_unknown else own_usd or Decimal(0), squares or 0.0)
        cheap = None if cheap_unknown else cheap_usd or Decimal(0)
        found[node] = saving_of(kept=kept, cheap_usd=cheap, own=costs)
    return found


def _node_of(batch: Batch) -> str:
    """The node that its enrichment asks; its own name where the code knows it no more."""
    try:
        return get(batch.enrichment).node
    except UnknownEnrichment:
        return str(batch.enrichment)
