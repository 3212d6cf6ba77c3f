"""Batches handed to a provider's own batch service."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from enrichment.models import ProviderBatchSubmission
from llmconfig.admin.kit.writes import ReadOnlyAdmin


@admin.register(ProviderBatchSubmission)
class ProviderBatchSubmissionAdmin(ReadOnlyAdmin):
    """One chunk at a provider: from the intention to its applied results."""

    list_display = ("created_at", "chunk", "provider", "model", "state", "external_id", "detail")
    list_filter = ("state", "provider")
    search_fields = ("external_id",)
    list_select_related = ("chunk",)
    show_full_result_count = False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow a batch's page to link here."""
        return lookup == "chunk__batch__id__exact" or super().lookup_allowed(lookup, value, request)
