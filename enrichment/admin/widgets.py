"""The dashboard's card about batches."""

from django.http import HttpRequest
from django.urls import reverse

from enrichment.admin.batch_page import status_badge
from enrichment.admin.batches import cost_of, with_sums
from enrichment.models import Batch, BatchStatus
from llmconfig.admin.kit.dashboard import Widget, register_widget
from llmconfig.admin.kit.presentation import progress_bar

UNFINISHED = (BatchStatus.PENDING, BatchStatus.RUNNING, BatchStatus.PAUSED)
BATCHES_SHOWN = 5


def batches_widget(request: HttpRequest) -> Widget | None:
    """Batches that are not finished; if there are none, the last few."""
    if not request.user.has_perm("enrichment.view_batch"):
        return None
    rows = with_sums(Batch.objects.all()).order_by("-created_at")
    unfinished = list(rows.filter(status__in=UNFINISHED)[:BATCHES_SHOWN])
    shown = unfinished or list(rows[:BATCHES_SHOWN])
    return Widget(
        "nodewise/widgets/batches.html",
        {
            "running": bool(unfinished),
            "may_start": request.user.has_perm("enrichment.add_batch"),
            "batches": [
                {
                    "batch": batch,
                    "page": reverse("admin:enrichment_batch_change", args=[batch.pk]),
                    "status": status_badge(batch.status),
                    "bar": progress_bar(batch.done_sum, batch.rows_total, failed=batch.failed_sum),
                    "cost": str(cost_of(batch)),
                }
                for batch in shown
            ],
            "list_url": reverse("admin:enrichment_batch_changelist"),
        },
        width=8,
    )


register_widget(batches_widget, rank=10)
