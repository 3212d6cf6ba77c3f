"""What waits for a person: the sidebar's numbers, each from a partial index."""

from django.http import HttpRequest

from enrichment import review
from enrichment.models import Batch, BatchStatus

MAX_COUNTED = 1000  # suggestions; more are shown as so many


def paused_batches(request: HttpRequest) -> int:
    """How many batches are paused."""
    return Batch.objects.filter(status=BatchStatus.PAUSED).count()


def suggestions(request: HttpRequest) -> int:
    """How many suggestions wait for review, as far as they are counted."""
    return review.queue().order_by().values("pk")[:MAX_COUNTED].count()
