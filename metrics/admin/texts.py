"""Prompts and answers of calls; the list never loads them."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from llmconfig.admin.kit.panels import AskedBefore, register_recorded_call
from llmconfig.admin.kit.presentation import NOTHING, badge, link, moment
from llmconfig.admin.playground import playground_of_call
from metrics.admin.call_filters import (
    KindFilter,
    NodeFilter,
    TextsCallerFilter,
    kind_in_words,
)
from metrics.admin.call_tables import SEARCH_BY_WORDS, CallTableAdmin
from metrics.admin.judging import judging
from metrics.admin.periods import PeriodFilter, TimesFilter
from metrics.admin.quality import parts_of, score_of
from metrics.models import GenerationHistory
from metrics.text_search import matching

WIDEST_PERIOD = "366"
READ_TEXTS = "metrics.read_generationhistory"
TEXTS = frozenset({"tool_calls", "user_feedback"})
LONG = ("prompt_text", "generated_code", "user_feedback", "quality_parts", "tool_calls")


@admin.register(GenerationHistory)
class GenerationHistoryAdmin(CallTableAdmin):
    """Texts of calls; the list never loads them."""

    list_display = ("created_at", "method_name", "kind", "quality", "passed", "verdict")
    list_filter = (PeriodFilter, TimesFilter, NodeFilter, KindFilter, TextsCallerFilter)
    search_help_text = format_lazy(
        _("Words of prompts and answers, the ID of a call, {words}"), words=SEARCH_BY_WORDS
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "created_at", "method_name", "kind", "call", "key", "served", "tagged",
                    "tool_calls",
                )
            },
        ),
        (
            _("Judged"),
            {
                "fields": (
                    "quality_score", "parts", "validation_passed", "user_accepted",
                    "manual_edits_required", "user_feedback",
                )
            },
        ),
    )  # fmt: skip
    readonly_fields = ("kind", "call", "parts", "key", "served", "tagged")
    change_form_outer_after_template = "nodewise/call_texts.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Texts only on a row's own page."""
        rows = super().get_queryset(request)
        if request.resolver_match and str(request.resolver_match.url_name).endswith("changelist"):
            return rows.defer(*LONG)
        return rows

    def by_words(self, request: HttpRequest, queryset: QuerySet[Any], words: str) -> QuerySet[Any]:
        return matching(queryset, words) if request.user.has_perm(READ_TEXTS) else queryset.none()

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """What the answer calls has arguments, which are texts too."""
        found = super().get_fieldsets(request, obj)
        if request.user.has_perm(READ_TEXTS):
            return found
        return [
            (title, {**part, "fields": [name for name in part["fields"] if name not in TEXTS]})
            for title, part in found
        ]

    @admin.display(description=_("Interaction type"))
    def kind(self, row: GenerationHistory) -> str:
        return kind_in_words(row.node_type)

    @admin.display(description=_("Quality"))
    def quality(self, row: GenerationHistory) -> str | SafeString:
        return score_of(row)

    @admin.display(description=_("Score breakdown"))
    def parts(self, row: GenerationHistory) -> SafeString:
        """Each check with its own score and reasons."""
        return parts_of(row)

    @admin.display(description=_("Passed"), boolean=True)
    def passed(self, row: GenerationHistory) -> bool:
        """Whether it ended without an error and no check holds it back."""
        return row.validation_passed

    @admin.display(description=_("Verdict"))
    def verdict(self, row: GenerationHistory) -> SafeString:
        if row.user_accepted is None:
            return NOTHING
        return (
            badge(gettext("accepted"), "good")
            if row.user_accepted
            else badge(gettext("rejected"), "danger")
        )

    @admin.display(description=_("Call"))
    def call(self, row: GenerationHistory) -> SafeString:
        address = reverse("admin:metrics_generationmetric_changelist")
        return link(f"{address}?q={row.correlation_id}&days={WIDEST_PERIOD}", row.correlation_id)

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With prompt and answer side by side, for whom may read them."""
        if isinstance(obj, GenerationHistory) and request.user.has_perm(READ_TEXTS):
            context["sides"] = (
                (gettext("Prompt"), obj.prompt_text),
                (gettext("Answer"), obj.generated_code),
            )
            context["playground_url"] = playground_of_call(request, obj.correlation_id)
        if isinstance(obj, GenerationHistory):
            context |= judging(request, obj.correlation_id, obj.created_at)


def asked_by(request: HttpRequest, correlation_id: UUID) -> AskedBefore | None:
    """What a stored call asked, for those who may read it; its messages are kept as one text."""
    if not request.user.has_perm(READ_TEXTS):
        return None
    found = GenerationHistory.objects.filter(correlation_id=correlation_id).first()
    if found is None:
        return None
    note = _("As sent at %(time)s; all messages in one.")
    return AskedBefore(
        found.method_name,
        note % {"time": moment(found.created_at)},
        message=found.prompt_text,
    )


register_recorded_call(asked_by)
