"""What lanes keep of their batches between turns: cascades, and each model's share of the work."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from enrichment.models import BatchCascade, CheapAnswer, ModelTurns, RunCascade
from llmconfig.admin.kit.writes import ReadOnlyAdmin


@admin.register(BatchCascade)
class BatchCascadeAdmin(ReadOnlyAdmin):
    """What a batch's cascade has learned; the batch's own page says it in words."""

    list_display = ("batch", "model", "score", "target", "cheap_calls", "dear_calls", "created_at")
    list_filter = ("score",)
    list_select_related = ("batch",)
    show_full_result_count = False


@admin.register(RunCascade)
class RunCascadeAdmin(ReadOnlyAdmin):
    """What a run's cascade has learned; the run's own page says it in words."""

    list_display = ("run", "model", "score", "target", "cheap_calls", "dear_calls", "created_at")
    list_filter = ("score",)
    list_select_related = ("run",)
    show_full_result_count = False


@admin.register(CheapAnswer)
class CheapAnswerAdmin(ReadOnlyAdmin):
    """Whose answer each row of a cascade over provider batches gets; without the answers' texts."""

    list_display = ("row_id", "variant", "batch", "way", "block")
    list_select_related = ("batch",)
    search_fields = ("=batch__id",)
    ordering = ("-id",)
    fields = ("batch", "variant", "row_id", "way", "block")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        """Answers are long, and their calls are shown by role on pages of their own."""
        return super().get_queryset(request).defer("answer")


@admin.register(ModelTurns)
class ModelTurnsAdmin(ReadOnlyAdmin):
    """What the batches of a model were served together, by which workers choose the next."""

    list_display = ("target", "served", "calls", "seconds")
    search_fields = ("target",)
