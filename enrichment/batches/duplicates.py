"""Rows whose inputs are the same: they are asked once, so they belong into one chunk."""

from typing import Any

from django.db.models import F, QuerySet, Window
from django.db.models.functions import FirstValue

from enrichment.batches.staleness import input_hash
from enrichment.enrichments.contract import Enrichment


def in_order_of_inputs(enrichment: Enrichment, rows: "QuerySet[Any]") -> "QuerySet[Any]":
    """The rows in the order of their keys, but each behind the first that says the same.

    `first_alike` is that one's key. An organization may have a prompt of its own, so rows of two
    never say the same.
    """
    alike = Window(
        FirstValue("pk"), partition_by=[F(each) for each in _names(enrichment)], order_by="pk"
    )
    found: QuerySet[Any] = (
        _hashed(enrichment, rows).annotate(first_alike=alike).order_by("first_alike", "pk")
    )
    return found


def distinct_inputs(enrichment: Enrichment, rows: "QuerySet[Any]") -> int:
    """How many different inputs these rows have."""
    different = _hashed(enrichment, rows).order_by().values(*_names(enrichment)).distinct()
    return int(different.count())


def _hashed(enrichment: Enrichment, rows: "QuerySet[Any]") -> "QuerySet[Any]":
    # Chosen before, for a query with a limit takes no further columns.
    chosen = enrichment.rows().filter(pk__in=rows.values("pk"))
    found: QuerySet[Any] = chosen.annotate(alike=input_hash(enrichment.reads))
    return found


def _names(enrichment: Enrichment) -> list[str]:
    return ["alike", *filter(None, [enrichment.organization_field])]
