"""The list of calls, and a call's own page."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.db.models import DecimalField, Model, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from llmconfig.admin.kit.attempts import attempt_lines
from llmconfig.admin.kit.panels import register_call_link
from llmconfig.admin.kit.presentation import NOTHING, badge, link
from llmconfig.admin.playground import playground_of_call
from llmconfig.configuration.known_costs import money
from llmconfig.configuration.numbers import count, milliseconds
from metrics.admin.call_export import export_urls
from metrics.admin.call_filters import (
    BoundsFilter,
    CallerFilter,
    KindFilter,
    ModelFilter,
    NodeFilter,
    OutcomeFilter,
    PromptFilter,
    ProviderFilter,
    WorkFilter,
    kind_in_words,
)
from metrics.admin.call_list import CallChangeList
from metrics.admin.call_tables import SEARCH_BY_WORDS, CallTableAdmin
from metrics.admin.judging import judging, judging_urls
from metrics.admin.periods import PeriodFilter, TimesFilter, asked_span
from metrics.admin.quality import parts_of, score_of
from metrics.admin.saved_views import saved_views_of, saved_views_urls
from metrics.admin.sessions import session_page, session_urls
from metrics.admin.spending import spending_urls
from metrics.admin.texts import READ_TEXTS
from metrics.admin.unpriced import unpriced_urls
from metrics.admin.viewers_zone import viewers_zone
from metrics.models import GenerationHistory, GenerationMetric
from metrics.quality.stored import APART, history_of
from metrics.text_search import matching

IN_TEXTS = "text:"  # what a search in prompts and answers begins with
# The columns that the list shows; any other would be asked for row by row.
LISTED = (
    "created_at", "method_name", "node_type", "provider", "model_used", "tokens_input",
    "tokens_output", "cost_usd", "latency_ms", "error_code",
)  # fmt: skip


@admin.register(GenerationMetric)
class GenerationMetricAdmin(CallTableAdmin):
    """Every finished call with what it cost; never its texts."""

    list_display = (
        "created_at", "node", "kind", "answered_by", "tokens", "cost", "took", "outcome",
    )  # fmt: skip
    list_filter = (
        PeriodFilter, TimesFilter, OutcomeFilter, NodeFilter, KindFilter, ProviderFilter,
        ModelFilter, CallerFilter, WorkFilter, BoundsFilter, PromptFilter,
    )  # fmt: skip
    search_help_text = format_lazy(
        _(
            "ID of a call or batch, the beginning of a node's name, {text} and words of "
            "prompts and answers, {words}"
        ),
        text=IN_TEXTS,
        words=SEARCH_BY_WORDS,
    )
    list_before_template = "nodewise/calls_head.html"
    fieldsets = (
        (
            _("Call"),
            {
                "fields": (
                    "created_at", "method_name", "kind", "service_name", "operation_type",
                    "outcome", "texts", "correlation_id", "session",
                )
            },
        ),
        (
            _("Answered by"),
            {"fields": ("provider", "model_used", "tier", "finish_reason", "truncated")},
        ),
        (
            _("Cost"),
            {
                "fields": (
                    "cost", "tokens_input", "tokens_output", "tokens_cached_input",
                    "tokens_cache_write", "tokens_reasoning", "took", "prompt_length",
                    "response_length",
                )
            },
        ),
        (
            _("Caller"),
            {"fields": ("key", "served", "tagged", "pairs", "called", "tool_results_length")},
        ),
        (
            _("Quality"),
            {
                "fields": (
                    "score", "parts", "prompt_version", "syntax_valid", "has_type_hints",
                    "security_issues", "onex_compliant",
                )
            },
        ),
        (
            _("Configuration"),
            {
                "fields": (
                    "revision", "dropped", "organization_id", "user_id", "user_key",
                    "experiment", "experiment_arm",
                )
            },
        ),
    )  # fmt: skip
    readonly_fields = (
        "kind", "outcome", "texts", "cost", "took", "revision", "dropped", "score", "parts",
        "key", "served", "tagged", "pairs", "called", "session",
    )  # fmt: skip
    change_form_outer_before_template = "nodewise/attempts.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if request.resolver_match and str(request.resolver_match.url_name).endswith("changelist"):
            return rows.only(*LISTED)
        return rows

    def by_id(self, wanted: UUID) -> Q:
        """A call's own id, or its batch's. One of both: an index finds either, not their OR."""
        own = GenerationMetric.objects.filter(correlation_id=wanted).exists()
        return Q(correlation_id=wanted) if own else Q(session_id=wanted)

    def get_urls(self) -> list[URLPattern]:
        """With the pages that belong to the list."""
        ours = [*unpriced_urls(), *spending_urls(), *export_urls(self), *saved_views_urls()]
        return [*ours, *session_urls(), *judging_urls(), *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CallChangeList]:
        """One that knows the sums of what is filtered."""
        return CallChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With the views that this person may open, and the way to a CSV file."""
        context = {
            "saved_views": saved_views_of(request),
            "zone": viewers_zone(request).key,
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def by_words(self, request: HttpRequest, queryset: QuerySet[Any], words: str) -> QuerySet[Any]:
        """In the texts, if they are asked for and may be read; else the node's name."""
        if not words.startswith(IN_TEXTS):
            return queryset.filter(method_name__startswith=words)
        if not request.user.has_perm(READ_TEXTS):
            return queryset.none()
        # A text is stored with its call, so the same time bounds both.
        time = asked_span(request).conditions("created_at", slack=APART)
        texts = GenerationHistory.objects.filter(**time)
        found = matching(texts, words.removeprefix(IN_TEXTS).strip())
        return queryset.filter(correlation_id__in=found.values("correlation_id"))

    @admin.display(description=_("Node"))
    def node(self, call: GenerationMetric) -> str:
        return call.method_name

    @admin.display(description=_("Interaction type"))
    def kind(self, call: GenerationMetric) -> str:
        return kind_in_words(call.node_type)

    @admin.display(description=_("Model"))
    def answered_by(self, call: GenerationMetric) -> str:
        return f"{call.provider}/{call.model_used}" if call.provider else call.model_used

    @admin.display(description=_("Tokens"), ordering="tokens_total")
    def tokens(self, call: GenerationMetric) -> str:
        return f"{count(call.tokens_input)} → {count(call.tokens_output)}"

    @admin.display(
        description=_("Cost"), ordering=Coalesce("cost_usd", Value(-1), output_field=DecimalField())
    )
    def cost(self, call: GenerationMetric) -> str | SafeString:
        """In US dollars; unknown is said to be so."""
        return (
            badge(gettext("unpriced"), "warning") if call.cost_usd is None else money(call.cost_usd)
        )

    @admin.display(description=_("Latency"), ordering="latency_ms")
    def took(self, call: GenerationMetric) -> str:
        return milliseconds(call.latency_ms)

    @admin.display(description=_("Outcome"))
    def outcome(self, call: GenerationMetric) -> SafeString:
        return badge(call.error_code, "danger") if call.error_code else badge(gettext("ok"), "good")

    @admin.display(description=_("Revision of the configuration"))
    def revision(self, call: GenerationMetric) -> str | SafeString:
        """What was changed in it is a click away."""
        if not call.config_revision:
            return NOTHING
        address = reverse("admin:llmconfig_revision_change", args=[call.config_revision])
        return link(address, call.config_revision)

    @admin.display(description=_("Session or batch"))
    def session(self, call: GenerationMetric) -> str | SafeString:
        """Its calls as a timeline."""
        if call.session_id is None:
            return NOTHING
        return link(session_page(call.session_id), call.session_id)

    @admin.display(description=_("Left out"))
    def dropped(self, call: GenerationMetric) -> str | SafeString:
        """Parameters that the model doesn't take."""
        names = call.dropped_params if isinstance(call.dropped_params, list) else []
        return format_html_join(" ", "{}", ((badge(each, "warning"),) for each in names)) or NOTHING

    @admin.display(description=_("Metadata"))
    def pairs(self, call: GenerationMetric) -> str | SafeString:
        """The caller's own names and values."""
        found = call.metadata if isinstance(call.metadata, dict) else {}
        return format_html_join("", "<div>{}: {}</div>", found.items()) or NOTHING

    @admin.display(description=_("Tool calls"))
    def called(self, call: GenerationMetric) -> str:
        """The functions that the answer calls."""
        return ", ".join(call.tool_calls or []) or NOTHING

    @admin.display(description=_("Prompt and answer"))
    def texts(self, call: GenerationMetric) -> str | SafeString:
        """Where prompt and answer are, as long as they are kept."""
        found = history_of(call.correlation_id, near=call.created_at)
        if found is None:
            return NOTHING
        address = reverse("admin:metrics_generationhistory_change", args=[found.pk])
        return link(address, gettext("Prompt and answer"))

    @admin.display(description=_("Quality score"))
    def score(self, call: GenerationMetric) -> str | SafeString:
        """From 0 to 1; as long as the texts are kept."""
        return score_of(history_of(call.correlation_id, near=call.created_at))

    @admin.display(description=_("Score breakdown"))
    def parts(self, call: GenerationMetric) -> SafeString:
        """Each check with its own score and reasons."""
        return parts_of(history_of(call.correlation_id, near=call.created_at))

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With each request to a provider."""
        if isinstance(obj, GenerationMetric):
            context["attempts"] = attempt_lines(obj.attempts)
            if request.user.has_perm(READ_TEXTS):
                context["playground_url"] = playground_of_call(request, obj.correlation_id)
            context |= judging(request, obj.correlation_id, obj.created_at)


def call_page(request: HttpRequest, correlation_id: UUID) -> str:
    """Where a call is found by its id, blank for those who may not see calls."""
    if not request.user.has_perm("metrics.view_generationmetric"):
        return ""
    address = reverse("admin:metrics_generationmetric_changelist")
    return f"{address}?{urlencode({'q': str(correlation_id)})}"


register_call_link(call_page)
