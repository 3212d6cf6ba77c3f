"""What waits for a person: the sidebar's numbers, each from a partial index, both in one query."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import connection
from django.http import HttpRequest

from enrichment import review
from enrichment.enrichments import names
from enrichment.models import Batch, BatchStatus

MAX_COUNTED = 1000  # suggestions; more are shown as so many
KEPT = "_nodewise_waiting"  # on the request, as two entries of a page ask for it


def paused_batches(request: HttpRequest) -> int:
    """How many batches are paused."""
    return _waiting(request)[0]


def suggestions(request: HttpRequest) -> int:
    """How many suggestions wait for review, as far as they are counted."""
    return _waiting(request)[1]


def _waiting(request: HttpRequest) -> tuple[int, int]:
    found: tuple[int, int] | None = getattr(request, KEPT, None)
    if found is None:
        found = _count()
        setattr(request, KEPT, found)
    return found


def _count() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(*_statement(tuple(names())))
        batches, answers = cursor.fetchone()
    return batches, answers


@lru_cache(maxsize=4)
def _statement(_enrichments: tuple[str, ...]) -> tuple[str, Sequence[Any]]:
    """What counts both, by the enrichments that there are: making it takes longer than asking it,
    and every page does.
    """
    paused = Batch.objects.filter(status=BatchStatus.PAUSED).order_by().values("pk")
    waiting = review.queue().order_by().values("pk")[:MAX_COUNTED]
    (first, values), (second, more) = (each.query.sql_with_params() for each in (paused, waiting))
    both = (
        f"SELECT (SELECT count(*) FROM ({first}) AS paused),"  # noqa: S608 - Django's own SQL
        f" (SELECT count(*) FROM ({second}) AS waiting)"
    )
    return both, [*values, *more]
