"""The review queue narrowed by filters, and many suggestions decided at once."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from msgspec import Struct

from enrichment.enrichments import get, names
from enrichment.errors import EnrichmentError
from enrichment.models import EnrichmentResult
from enrichment.review import accept, queue, reject
from llmconfig.roles import User

MAX_AT_ONCE = 200  # suggestions that a person decides with one click


class QueueFilters(Struct, frozen=True, kw_only=True):
    """What narrows the queue; what is blank or None takes all. `organization` is a slug."""

    enrichment: str = ""
    code: str = ""  # of a gate's finding
    organization: str = ""
    batch: UUID | None = None
    variant: str = ""
    below: float | None = None  # confidences, of 1
    skipped: Sequence[int] = ()  # results that are left out


def narrowed(filters: QueueFilters) -> "QuerySet[EnrichmentResult]":
    """The queue as far as the filters take it."""
    found = queue(enrichment=filters.enrichment, code=filters.code)
    if filters.organization:
        found = found.filter(_of_organization(filters.organization))
    if filters.batch is not None:
        found = found.filter(batch=filters.batch)
    if filters.variant:
        found = found.filter(variant=filters.variant)
    if filters.below is not None:
        found = found.filter(confidence__lt=filters.below)
    return found.exclude(pk__in=filters.skipped) if filters.skipped else found


def _of_organization(slug: str) -> Q:
    """Results of the rows that belong to it, of any enrichment whose rows belong to somebody."""
    found = Q(pk__in=())
    for name in names():
        enrichment = get(name)
        if not enrichment.organization_field or enrichment.organizations is None:
            continue
        keys = enrichment.organizations.keys(slug)
        rows = enrichment.rows().filter(**{f"{enrichment.organization_field}__in": keys})
        ids = rows.annotate(row_key=Cast("pk", TextField())).values("row_key")
        found |= Q(enrichment=name, row_id__in=ids)
    return found


class DecidedTogether(Struct, frozen=True):
    """What became of many suggestions: ids of those that were decided, why others weren't."""

    done: list[int]
    refused: list[str]
    left: int  # that wait still, beyond what is decided at once


def decide_all(
    filters: QueueFilters, verb: str, *, user: User | None, feedback: str = ""
) -> DecidedTogether:
    """Accept or reject what the filters show, the newest first, at most MAX_AT_ONCE of it.

    Each is a decision of its own: one that can't be carried out leaves the others alone.
    """
    ids = list(narrowed(filters).values_list("pk", flat=True)[: MAX_AT_ONCE + 1])
    decide = {"accept": accept, "reject": reject}[verb]
    done: list[int] = []
    refused: list[str] = []
    for each in ids[:MAX_AT_ONCE]:
        try:
            decide(each, user=user, feedback=feedback)
            done.append(each)
        except EnrichmentError as refusal:
            refused.append(str(refusal))
    left = narrowed(filters).count() - len(refused) if len(ids) > MAX_AT_ONCE else 0
    return DecidedTogether(done, refused, left)
