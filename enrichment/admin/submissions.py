"""Batches handed to a provider's own batch service."""

from django.contrib import admin

from enrichment.models import ProviderBatchSubmission
from llmconfig.admin.kit.writes import ReadOnlyAdmin


@admin.register(ProviderBatchSubmission)
class ProviderBatchSubmissionAdmin(ReadOnlyAdmin):
    """One chunk at a provider: from the intention to its applied results."""

    list_display = ("created_at", "chunk", "provider", "model", "state", "external_id")
    list_filter = ("state", "provider")
    search_fields = ("external_id",)
    list_select_related = ("chunk",)
    show_full_result_count = False
