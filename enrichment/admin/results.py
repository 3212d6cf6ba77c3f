"""Results: what models made of rows, and how each ended."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment.admin.batch_cascade import cascade_in_words
from enrichment.admin.calibration import calibration_urls
from enrichment.admin.finding_words import in_words
from enrichment.admin.review import as_it_came, review_urls
from enrichment.admin.review_values import readable
from enrichment.models import EnrichmentResult, ResultState
from llmconfig.admin.kit.presentation import badge
from llmconfig.admin.kit.writes import ReadOnlyAdmin
from metrics.admin.judging import judging

STATE_TONES = {
    ResultState.APPLIED: "good",
    ResultState.SUGGESTED: "warning",
    ResultState.FAILED: "danger",
    ResultState.SKIPPED: "plain",
    ResultState.REJECTED: "plain",
    ResultState.UNDONE: "plain",
}


@admin.register(EnrichmentResult)
class EnrichmentResultAdmin(ReadOnlyAdmin):
    """What models made of rows. The list loads no values."""

    list_display = ("created_at", "enrichment", "row", "variant", "outcome", "why", "model_used")
    list_filter = ("state", "enrichment")
    search_fields = ("=row_id",)
    search_help_text = _("Row ID")
    ordering = ("-id",)
    show_full_result_count = False
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("enrichment", "target", "row_id", "variant", "state", "whole_reason")}),
        (
            _("Made by"),
            {
                "fields": (
                    "model_used", "prompt_version", "config_revision", "confidence",
                    "confidence_source", "cost_usd", "went_through", "batch", "correlation_id",
                    "created_at",
                )
            },
        ),
        (_("Decided by"), {"fields": ("reviewed_by", "reviewed_at")}),
    )  # fmt: skip
    change_form_outer_after_template = "nodewise/result.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        """Values only on a result's own page."""
        rows = super().get_queryset(request)
        if request.resolver_match and str(request.resolver_match.url_name).endswith("changelist"):
            return rows.defer("value", "previous_value")
        return rows

    def get_urls(self) -> list[URLPattern]:
        return [*review_urls(), *calibration_urls(), *super().get_urls()]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "batch__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description=_("Row"))
    def row(self, result: EnrichmentResult) -> str:
        """The table and the row's id."""
        return f"{result.target.partition('.')[2].lower()} {result.row_id}"

    @admin.display(description=_("State"), ordering="state")
    def outcome(self, result: EnrichmentResult) -> SafeString:
        return badge(result.get_state_display(), STATE_TONES[ResultState(result.state)])

    @admin.display(description=_("Cascade"))
    def went_through(self, result: EnrichmentResult) -> str:
        """Which model's answer it is where a cheaper one was asked first, and its score."""
        return cascade_in_words(result.cascade)

    @admin.display(description=_("Reason"))
    def why(self, result: EnrichmentResult) -> str:
        reason = self.whole_reason(result)
        return reason if len(reason) <= 80 else f"{reason[:79]}…"

    @admin.display(description=_("Reason"))
    def whole_reason(self, result: EnrichmentResult) -> str:
        return in_words(result.reason, result.findings)

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With the value before and after."""
        if isinstance(obj, EnrichmentResult):
            context |= judging(request, obj.correlation_id, obj.created_at)
            context["undo_result"] = (
                obj.pk
                if obj.before_decision is not None
                and request.user.has_perm("enrichment.change_enrichmentresult")
                else None
            )
            context["sides"] = (
                (gettext("Before"), readable(obj.previous_value)),
                (gettext("After"), readable(obj.value)),
                *(((gettext("Raw answer"), raw),) if (raw := as_it_came(obj)) else ()),
            )
