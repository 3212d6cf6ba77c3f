"""Batches handed to a provider's own batch service."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from enrichment.models import ProviderBatchSubmission
from llmconfig.admin.kit.writes import ReadOnlyAdmin


@admin.register(ProviderBatchSubmission)
class ProviderBatchSubmissionAdmin(ReadOnlyAdmin):
    """A chunk or a run's cases at a provider: from the intention to the results."""

    list_display = (
        "created_at", "chunk", "run", "provider", "model", "state", "external_id", "detail",
    )  # fmt: skip
    list_filter = ("state", "provider")
    search_fields = ("external_id",)
    list_select_related = ("chunk", "run__evaluation_set")
    show_full_result_count = False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow a batch's page and a run's to link here."""
        ours = lookup in {"chunk__batch__id__exact", "run__id__exact"}
        return ours or super().lookup_allowed(lookup, value, request)
