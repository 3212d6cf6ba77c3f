"""What lanes keep of their batches between turns: cascades, and each model's share of the work."""

from django.contrib import admin

from enrichment.models import BatchCascade, ModelTurns
from llmconfig.admin.kit.writes import ReadOnlyAdmin


@admin.register(BatchCascade)
class BatchCascadeAdmin(ReadOnlyAdmin):
    """What a batch's cascade has learned; the batch's own page says it in words."""

    list_display = ("batch", "model", "score", "target", "cheap_calls", "dear_calls", "created_at")
    list_filter = ("score",)
    list_select_related = ("batch",)
    show_full_result_count = False


@admin.register(ModelTurns)
class ModelTurnsAdmin(ReadOnlyAdmin):
    """What the batches of a model were served together, by which workers choose the next."""

    list_display = ("target", "served", "calls", "seconds")
    search_fields = ("target",)
