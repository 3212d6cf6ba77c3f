"""The dashboard's card about what cascades saved, each figure beside the batches that it is of."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from enrichment.cascade_savings import NodeSavings, by_node
from enrichment.cascades.savings import CascadeSaving
from llmconfig.admin.kit.dashboard import Widget, register_widget
from llmconfig.configuration.known_costs import money
from llmconfig.configuration.numbers import count
from metrics.admin.widgets import PERIODS, PERMISSION, span_of

MAX_BATCHES = 3  # of a node, the newest


def cascades_widget(request: HttpRequest) -> Widget | None:
    """What each node's cascade saved in the page's period; nothing where none worked."""
    if not (request.user.has_perm(PERMISSION) and request.user.has_perm("enrichment.view_batch")):
        return None
    span = span_of(request)
    found = by_node(since=span.since, until=span.until)
    if not found:
        return None
    context = {
        "period": PERIODS[span.days],
        "nodes": [
            {
                "node": each.node,
                "kept": count(each.total.kept),
                "saved": _saved(each.total),
                "range": _range(each.total),
                "parts": list(_parts(each)),
                "more": max(0, len(each.batches) - MAX_BATCHES),
            }
            for each in found
        ],
        "batches_url": reverse("admin:enrichment_batch_changelist"),
    }
    return Widget("nodewise/widgets/cascades.html", context, width=12)


def _parts(found: NodeSavings) -> Iterator[dict[str, Any]]:
    """The batches, and all single calls together."""
    for each in found.batches[:MAX_BATCHES]:
        page = reverse("admin:enrichment_batch_change", args=[each.batch.pk])
        yield {"name": str(each.batch), "page": page, "saved": _saved(each.saving)}
    if found.calls is not None:
        page = reverse("admin:enrichment_callcascade_changelist")
        name = gettext("single calls")
        yield {"name": name, "page": page, "saved": _saved(found.calls)}


def _saved(saving: CascadeSaving) -> str:
    """The amount; one that is below nought was paid more."""
    if saving.usd is None:
        return gettext("unknown")
    return _signed(saving.usd)


def _range(saving: CascadeSaving) -> str:
    """The range that holds in 8 of 10 cases, and what isn't in the amount."""
    low, high = saving.low_usd, saving.high_usd
    told = ""
    if low is not None and high is not None and low != high:
        told = gettext("{low} to {high}").format(low=_signed(low), high=_signed(high))
    if saving.unknown:
        without = gettext("{number} kept without a price, not counted")
        told = f"{told} {without.format(number=count(saving.unknown))}".strip()
    return told


def _signed(amount: Decimal) -> str:
    return money(amount) if amount >= 0 else f"-{money(-amount)}"


register_widget(cascades_widget, rank=8)
