"""Calls and their texts. Both tables are partitioned and large: nothing here counts their rows."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from llmconfig.admin.kit.attempts import attempt_lines
from llmconfig.admin.kit.panels import register_call_link
from llmconfig.admin.kit.presentation import NOTHING, badge, count, link, milliseconds
from llmconfig.admin.kit.theme import UncountedPaginator
from llmconfig.admin.kit.writes import ReadOnlyAdmin
from llmconfig.configuration.known_costs import money
from metrics.admin.call_filters import (
    KindFilter,
    ModelFilter,
    NodeFilter,
    OutcomeFilter,
    PromptFilter,
    ProviderFilter,
)
from metrics.admin.periods import PeriodFilter
from metrics.admin.quality import part_lines
from metrics.admin.unpriced import unpriced_urls
from metrics.models import GenerationHistory, GenerationMetric
from metrics.quality.stored import history_of

WIDEST_PERIOD = "366"
# What a search finds behind these words and a colon.
CALLERS_WORDS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "key": lambda word: {"account": word},
    "user": lambda word: {"end_user": word},
    "tag": lambda word: {"tags__contains": [word]},
}
LONG = ("prompt_text", "generated_code", "user_feedback", "quality_parts", "tool_calls")
SEARCH_BY_WORDS = "or key:, user: or tag: and the caller's own word"


class CallTableAdmin(ReadOnlyAdmin):
    """The base of both tables' pages: no counting, and a search that an index serves."""

    paginator = UncountedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True
    ordering = ("-created_at",)
    search_fields = ("method_name",)

    @admin.display(description="Key or account")
    def key(self, row: Any) -> str | SafeString:
        return self._found_by("key", [row.account])

    @admin.display(description="End user")
    def served(self, row: Any) -> str | SafeString:
        """Whom the caller serves."""
        return self._found_by("user", [row.end_user])

    @admin.display(description="Tags")
    def tagged(self, row: Any) -> str | SafeString:
        """Each leads to the rows that have it."""
        return self._found_by("tag", row.tags or [])

    def _found_by(self, kind: str, words: Iterable[str]) -> str | SafeString:
        """Links to the list of rows with the same word."""
        meta = self.model._meta  # noqa: SLF001 - Django's documented name
        address = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        links = (
            (link(f"{address}?{urlencode({'q': f'{kind}:{word}'})}", word),)
            for word in words
            if word
        )
        return format_html_join(" ", "{}", links) or NOTHING

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By an id, which an index finds; by a word of the caller's; else by the node's name."""
        kind, colon, word = search_term.partition(":")
        if colon and kind in CALLERS_WORDS and word:
            return queryset.filter(**CALLERS_WORDS[kind](word)), False
        try:
            wanted = UUID(search_term.strip())
        except ValueError:
            found = (
                queryset.filter(method_name__startswith=search_term) if search_term else queryset
            )
            return found, False
        return queryset.filter(self.by_id(wanted)), False

    def by_id(self, wanted: UUID) -> Q:
        """Which columns an id may be in."""
        return Q(correlation_id=wanted)


@admin.register(GenerationMetric)
class GenerationMetricAdmin(CallTableAdmin):
    """Every finished call with what it cost; never its texts."""

    list_display = (
        "created_at", "node", "kind", "answered_by", "tokens", "cost", "took", "outcome",
    )  # fmt: skip
    list_filter = (
        PeriodFilter, OutcomeFilter, NodeFilter, KindFilter, ProviderFilter, ModelFilter,
        PromptFilter,
    )  # fmt: skip
    search_help_text = f"Id of a call or batch, the beginning of a node's name, {SEARCH_BY_WORDS}"
    fieldsets = (
        (
            "Call",
            {
                "fields": (
                    "created_at", "method_name", "node_type", "service_name", "operation_type",
                    "outcome", "texts", "correlation_id", "session_id",
                )
            },
        ),
        (
            "Answered by",
            {"fields": ("provider", "model_used", "tier", "finish_reason", "truncated")},
        ),
        (
            "Cost",
            {
                "fields": (
                    "cost", "tokens_input", "tokens_output", "tokens_cached_input",
                    "tokens_cache_write", "tokens_reasoning", "took", "prompt_length",
                    "response_length",
                )
            },
        ),
        (
            "Caller",
            {"fields": ("key", "served", "tagged", "pairs", "called", "tool_results_length")},
        ),
        (
            "Quality",
            {
                "fields": (
                    "score", "parts", "prompt_version", "syntax_valid", "has_type_hints",
                    "security_issues", "onex_compliant",
                )
            },
        ),
        (
            "Configuration",
            {
                "fields": (
                    "revision", "dropped", "organization_id", "user_id", "user_key",
                    "experiment", "experiment_arm",
                )
            },
        ),
    )  # fmt: skip
    readonly_fields = (
        "outcome", "texts", "cost", "took", "revision", "dropped", "score", "parts",
        "key", "served", "tagged", "pairs", "called",
    )  # fmt: skip
    change_form_outer_before_template = "nodewise/attempts.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if request.resolver_match and str(request.resolver_match.url_name).endswith("changelist"):
            return rows.defer("attempts", "dropped_params", "security_issues", "metadata")
        return rows

    def by_id(self, wanted: UUID) -> Q:
        """A call's own id, or its batch's."""
        return Q(correlation_id=wanted) | Q(session_id=wanted)

    def get_urls(self) -> list[URLPattern]:
        """With the page about models without a price."""
        return [*unpriced_urls(), *super().get_urls()]

    @admin.display(description="Node")
    def node(self, call: GenerationMetric) -> str:
        return call.method_name

    @admin.display(description="Kind of use")
    def kind(self, call: GenerationMetric) -> str:
        return call.node_type

    @admin.display(description="Model")
    def answered_by(self, call: GenerationMetric) -> str:
        return f"{call.provider}/{call.model_used}" if call.provider else call.model_used

    @admin.display(description="Tokens")
    def tokens(self, call: GenerationMetric) -> str:
        return f"{count(call.tokens_input)} → {count(call.tokens_output)}"

    @admin.display(description="Cost")
    def cost(self, call: GenerationMetric) -> str | SafeString:
        """In US dollars; unknown is said to be so."""
        return badge("unpriced", "warning") if call.cost_usd is None else money(call.cost_usd)

    @admin.display(description="Took")
    def took(self, call: GenerationMetric) -> str:
        return milliseconds(call.latency_ms)

    @admin.display(description="Outcome")
    def outcome(self, call: GenerationMetric) -> SafeString:
        return badge(call.error_code, "danger") if call.error_code else badge("ok", "good")

    @admin.display(description="Revision of the configuration")
    def revision(self, call: GenerationMetric) -> str | SafeString:
        """What was changed in it is a click away."""
        if not call.config_revision:
            return NOTHING
        address = reverse("admin:llmconfig_revision_change", args=[call.config_revision])
        return link(address, call.config_revision)

    @admin.display(description="Left out")
    def dropped(self, call: GenerationMetric) -> str | SafeString:
        """Parameters that the model doesn't take."""
        names = call.dropped_params if isinstance(call.dropped_params, list) else []
        return format_html_join(" ", "{}", ((badge(each, "warning"),) for each in names)) or NOTHING

    @admin.display(description="Metadata")
    def pairs(self, call: GenerationMetric) -> str | SafeString:
        """The caller's own names and values."""
        found = call.metadata if isinstance(call.metadata, dict) else {}
        return format_html_join("", "<div>{}: {}</div>", found.items()) or NOTHING

    @admin.display(description="Tools called")
    def called(self, call: GenerationMetric) -> str:
        """The functions that the answer calls."""
        return ", ".join(call.tool_calls or []) or NOTHING

    @admin.display(description="Texts")
    def texts(self, call: GenerationMetric) -> str | SafeString:
        """Where prompt and answer are, as long as they are kept."""
        found = history_of(call.correlation_id, near=call.created_at)
        if found is None:
            return NOTHING
        address = reverse("admin:metrics_generationhistory_change", args=[found.pk])
        return link(address, "Prompt and answer")

    @admin.display(description="Quality score")
    def score(self, call: GenerationMetric) -> str | SafeString:
        """From 0 to 1; as long as the texts are kept."""
        return score_of(history_of(call.correlation_id, near=call.created_at))

    @admin.display(description="Made of")
    def parts(self, call: GenerationMetric) -> SafeString:
        """Each check with its own score and reasons."""
        return parts_of(history_of(call.correlation_id, near=call.created_at))

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Model | None = None,
    ) -> HttpResponse:
        """With each request to a provider."""
        if isinstance(obj, GenerationMetric):
            context["attempts"] = attempt_lines(obj.attempts)
        return super().render_change_form(request, context, add, change, form_url, obj)


@admin.register(GenerationHistory)
class GenerationHistoryAdmin(CallTableAdmin):
    """Texts of calls; the list never loads them."""

    list_display = ("created_at", "method_name", "node_type", "quality", "passed", "verdict")
    list_filter = (PeriodFilter, KindFilter)
    search_help_text = f"Id of a call, the beginning of a node's name, {SEARCH_BY_WORDS}"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "created_at", "method_name", "node_type", "call", "key", "served", "tagged",
                    "tool_calls",
                )
            },
        ),
        (
            "Judged",
            {
                "fields": (
                    "quality_score", "parts", "validation_passed", "user_accepted",
                    "manual_edits_required", "user_feedback",
                )
            },
        ),
    )  # fmt: skip
    readonly_fields = ("call", "parts", "key", "served", "tagged")
    change_form_outer_after_template = "nodewise/texts.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Texts only on a row's own page."""
        rows = super().get_queryset(request)
        if request.resolver_match and str(request.resolver_match.url_name).endswith("changelist"):
            return rows.defer(*LONG)
        return rows

    @admin.display(description="Quality")
    def quality(self, row: GenerationHistory) -> str | SafeString:
        return score_of(row)

    @admin.display(description="Made of")
    def parts(self, row: GenerationHistory) -> SafeString:
        """Each check with its own score and reasons."""
        return parts_of(row)

    @admin.display(description="Passed", boolean=True)
    def passed(self, row: GenerationHistory) -> bool:
        """Whether it ended without an error and no check holds it back."""
        return row.validation_passed

    @admin.display(description="Verdict")
    def verdict(self, row: GenerationHistory) -> SafeString:
        if row.user_accepted is None:
            return NOTHING
        return badge("accepted", "good") if row.user_accepted else badge("rejected", "danger")

    @admin.display(description="Call")
    def call(self, row: GenerationHistory) -> SafeString:
        address = reverse("admin:metrics_generationmetric_changelist")
        return link(f"{address}?q={row.correlation_id}&days={WIDEST_PERIOD}", row.correlation_id)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Model | None = None,
    ) -> HttpResponse:
        """With prompt and answer side by side."""
        if isinstance(obj, GenerationHistory):
            context["sides"] = (("Prompt", obj.prompt_text), ("Answer", obj.generated_code))
        return super().render_change_form(request, context, add, change, form_url, obj)


def score_of(row: GenerationHistory | None) -> str | SafeString:
    """A row's quality score as text with two decimals."""
    return NOTHING if row is None or row.quality_score is None else f"{row.quality_score:.2f}"


def parts_of(row: GenerationHistory | None) -> SafeString:
    """The score's parts, one a line, with their reasons."""
    lines = part_lines(row)
    if not lines:
        return NOTHING
    return format_html_join(
        "",
        '<div class="nw-part">{} {} <span class="nw-subtle">{}</span></div>',
        (
            (badge(line.score, "good" if line.passed else "danger"), line.label,
             " ".join(line.notes))
            for line in lines
        ),
    )  # fmt: skip


def call_page(request: HttpRequest, correlation_id: UUID) -> str:
    """Where a call is found by its id, blank for those who may not see calls."""
    if not request.user.has_perm("metrics.view_generationmetric"):
        return ""
    address = reverse("admin:metrics_generationmetric_changelist")
    return f"{address}?{urlencode({'q': str(correlation_id)})}"


register_call_link(call_page)
