"""Which rows need work, as a query: never done, or done from other input than they have now."""

from collections.abc import Sequence
from typing import Any

from django.db.models import (
    CharField,
    Expression,
    F,
    Func,
    JSONField,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
)
from django.db.models.functions import MD5, Cast

from enrichment.enrichments.contract import Enrichment
from enrichment.models import EnrichmentResult, ResultState

# States whose value stands, or whose row was looked at and needed nothing.
SETTLED = (
    ResultState.APPLIED,
    ResultState.SUGGESTED,
    ResultState.REJECTED,
    ResultState.SKIPPED,
)


def input_hash(fields: Sequence[str]) -> Expression:
    """MD5 over the fields as PostgreSQL prints them; one definition for lists and for results."""
    values = Func(
        *(F(field) for field in fields), function="jsonb_build_array", output_field=JSONField()
    )
    return MD5(Cast(values, TextField()))


def stale_rows(enrichment: Enrichment, *, variant: str = "") -> "QuerySet[Any]":
    """Rows whose newest settled result doesn't come from their present input."""
    model: type[Model] = enrichment.model()
    newest = (
        EnrichmentResult.objects.filter(
            enrichment=enrichment.name,
            target=enrichment.target,
            row_id=Cast(OuterRef("pk"), CharField()),
            variant=variant,
        )
        .exclude(state=ResultState.FAILED)
        .order_by("-id")
    )
    done_from = Subquery(newest.filter(state__in=SETTLED).values("input_hash")[:1])
    last_state = Subquery(newest.values("state")[:1])
    return model._default_manager.annotate(  # noqa: SLF001 - Django's public way to a model's manager
        input_hash=input_hash(enrichment.reads), done_from=done_from, last_state=last_state
    ).filter(
        Q(done_from__isnull=True) | ~Q(done_from=F("input_hash")) | Q(last_state=ResultState.UNDONE)
    )
