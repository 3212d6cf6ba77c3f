"""Lessons mined from the history."""

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString

from llmconfig.admin.presentation import NOTHING, badge
from llmconfig.admin.writes import ReadOnlyAdmin
from metrics.models import Pattern
from metrics.models.patterns import PatternType

TONES = {
    PatternType.HIGH_QUALITY_PROMPT: "good",
    PatternType.COMMON_ERROR: "danger",
    PatternType.SUCCESSFUL_IMPLEMENTATION: "info",
}


@admin.register(Pattern)
class PatternAdmin(ReadOnlyAdmin):
    """What past calls teach: prompts that worked, errors that come back."""

    list_display = ("kind", "node_type", "usage_count", "quality", "last_used_at", "created_at")
    list_filter = ("pattern_type", "node_type")
    search_fields = ("node_type",)
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("pattern_type", "node_type", "pattern_data")}),
        ("Use", {"fields": ("usage_count", "avg_quality_score", "last_used_at", "created_at")}),
    )

    @admin.display(description="What was learned", ordering="pattern_type")
    def kind(self, pattern: Any) -> SafeString:
        """As a badge."""
        return badge(pattern.get_pattern_type_display(), TONES.get(pattern.pattern_type, "plain"))

    @admin.display(description="Quality", ordering="avg_quality_score")
    def quality(self, pattern: Pattern) -> str | SafeString:
        """Mean quality, from 0 to 1."""
        return NOTHING if pattern.avg_quality_score is None else f"{pattern.avg_quality_score:.2f}"
