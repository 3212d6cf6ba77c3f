"""Lessons mined from the history."""

import json
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from llmconfig.admin.kit.presentation import NOTHING, badge, link
from llmconfig.admin.kit.writes import ReadOnlyAdmin
from llmconfig.configuration.numbers import count, decimal, percent
from metrics.admin.call_filters import kind_in_words
from metrics.admin.texts import WIDEST_PERIOD
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

    list_display = (
        "kind", "operation", "what", "usage_count", "success", "quality", "last_used_at",
    )  # fmt: skip
    list_filter = ("pattern_type", "node_type")
    search_fields = ("node_type",)
    show_full_result_count = False
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "pattern_type", "interaction_type", "operation", "what", "success", "calls",
                    "data",
                )
            },
        ),
        (_("Use"), {"fields": ("usage_count", "avg_quality_score", "last_used_at", "created_at")}),
    )  # fmt: skip
    readonly_fields = ("interaction_type", "operation", "what", "success", "calls", "data")

    @admin.display(description=_("Interaction type"))
    def interaction_type(self, pattern: Pattern) -> str:
        return kind_in_words(pattern.node_type or "")

    @admin.display(description=_("Operation"))
    def operation(self, pattern: Pattern) -> str | SafeString:
        return _said(pattern, "operation") or NOTHING

    @admin.display(description=_("What"))
    def what(self, pattern: Pattern) -> str | SafeString:
        """The error in its own words, or the prompt's version."""
        version = _said(pattern, "prompt_version")
        return _said(pattern, "said") or (
            gettext("version {version}").format(version=version) if version else NOTHING
        )

    @admin.display(description=_("Success rate"))
    def success(self, pattern: Pattern) -> str | SafeString:
        """With where the true one lies 19 times in 20. Only ours: others' data may be anything."""
        rate: dict[str, Any] = (
            pattern.pattern_data["success_rate"] if pattern.fingerprint else {"value": None}
        )
        if rate["value"] is None:
            return NOTHING
        return gettext("{value} ({low} to {high}) of {number}").format(
            value=percent(rate["value"]),
            low=percent(rate["low"]),
            high=percent(rate["high"]),
            number=count(rate["of"]),
        )

    @admin.display(description=_("Calls"))
    def calls(self, pattern: Pattern) -> str | SafeString:
        """A few of those behind it."""
        examples = pattern.pattern_data.get("examples", ()) if pattern.fingerprint else ()
        address = reverse("admin:metrics_generationmetric_changelist")
        lines = (
            (f"{address}?{urlencode({'q': each['call'], 'days': WIDEST_PERIOD})}", each["call"])
            for each in examples
        )
        return format_html_join(" ", "{}", ((link(*line),) for line in lines)) or NOTHING

    @admin.display(description=_("Evidence and examples"))
    def data(self, pattern: Pattern) -> SafeString:
        text = json.dumps(pattern.pattern_data, indent=2, ensure_ascii=False)
        return format_html('<pre class="nw-text">{}</pre>', text)

    @admin.display(description=_("What was learned"), ordering="pattern_type")
    def kind(self, pattern: Any) -> SafeString:
        return badge(pattern.get_pattern_type_display(), TONES.get(pattern.pattern_type, "plain"))

    @admin.display(description=_("Quality"), ordering="avg_quality_score")
    def quality(self, pattern: Pattern) -> str | SafeString:
        """Mean quality, from 0 to 1."""
        score = pattern.avg_quality_score
        return NOTHING if score is None else decimal(score, 2)


def _said(pattern: Pattern, name: str) -> str:
    """A text of its data, cut for a list."""
    data = pattern.pattern_data
    value = data.get(name) if isinstance(data, dict) else None
    return "" if value is None else str(value)[:100]
