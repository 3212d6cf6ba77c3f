"""Sets of rows, runs over them, and two runs side by side."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from enrichment.admin.review_values import readable
from enrichment.errors import BadSelection
from enrichment.evaluations.comparison import RunComparison, compare
from enrichment.evaluations.measures import Difference
from enrichment.evaluations.runs import totals_of
from enrichment.models import (
    EvaluationAnswer,
    EvaluationCase,
    EvaluationRun,
    EvaluationSet,
    ResultState,
)
from enrichment.models.evaluations import RunStatus
from llmconfig.admin.kit.presentation import badge, count
from llmconfig.admin.kit.writes import ReadOnlyAdmin
from llmconfig.configuration.known_costs import money

MAY_VIEW = "enrichment.view_evaluationrun"
PAIRS_SHOWN = 50
OTHERS_SHOWN = 20
STATUS_TONES = {
    RunStatus.WAITING: "info",
    RunStatus.RUNNING: "info",
    RunStatus.DONE: "good",
    RunStatus.STOPPED: "warning",
}


@admin.register(EvaluationSet)
class EvaluationSetAdmin(ReadOnlyAdmin):
    """Made by command or API; a set never changes, its next version does."""

    list_display = ("__str__", "enrichment", "variant", "rows", "known", "note", "created_at")
    list_filter = ("enrichment",)
    search_fields = ("name", "note")
    fields = ("name", "version", "enrichment", "variant", "rows", "known", "note", "created_by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[EvaluationSet]:
        """With how many rows each has."""
        rows: QuerySet[EvaluationSet] = super().get_queryset(request)
        known = Count("cases", filter=Q(cases__wanted__isnull=False))
        return rows.annotate(all_cases=Count("cases"), known_cases=known)

    @admin.display(description="Rows")
    def rows(self, found: Any) -> str:
        return count(found.all_cases)

    @admin.display(description="Wanted answer known")
    def known(self, found: Any) -> str:
        return count(found.known_cases)


@admin.register(EvaluationCase)
class EvaluationCaseAdmin(ReadOnlyAdmin):
    """A set's rows as they were, with the wanted answer where it is known."""

    list_display = ("row_id", "evaluation_set", "wanted_by")
    list_filter = ("evaluation_set",)
    list_select_related = ("evaluation_set",)
    search_fields = ("=row_id",)
    show_full_result_count = False


@admin.register(EvaluationAnswer)
class EvaluationAnswerAdmin(ReadOnlyAdmin):
    """What a run got for each row of its set."""

    list_display = ("case", "run", "state", "model_used", "tokens", "reason")
    list_filter = ("state", "run")
    list_select_related = ("case", "run")
    show_full_result_count = False


@admin.register(EvaluationRun)
class EvaluationRunAdmin(ReadOnlyAdmin):
    """What was tried over a set; its page leads to comparisons with other runs over it."""

    list_display = ("name", "evaluation_set", "tried", "state", "progress", "created_at")
    list_filter = ("status", "evaluation_set__name")
    list_select_related = ("evaluation_set",)
    fields = (
        "evaluation_set", "tried", "state", "status_reason", "progress", "passed", "cost",
        "max_cost_usd", "created_by", "created_at", "finished_at",
    )  # fmt: skip
    change_form_outer_after_template = "nodewise/run_others.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(comparison_view)
        return [path("comparison/", view, name="enrichment_comparison"), *super().get_urls()]

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Model | None = None,
    ) -> HttpResponse:
        """With the other runs that it can be compared with."""
        if isinstance(obj, EvaluationRun):
            context["others"] = _others(obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    @admin.display(description="Run")
    def name(self, run: EvaluationRun) -> str:
        return run.label or str(run.pk)[:8]

    @admin.display(description="Tried")
    def tried(self, run: EvaluationRun) -> str:
        """The model or node, and the prompt's version where one was named."""
        return tried_in_words(run)

    @admin.display(description="State", ordering="status")
    def state(self, run: EvaluationRun) -> SafeString:
        return badge(run.get_status_display(), STATUS_TONES[RunStatus(run.status)])

    @admin.display(description="Answered")
    def progress(self, run: EvaluationRun) -> str:
        """Of how many rows."""
        return f"{count(run.answers.count())} of {count(run.evaluation_set.cases.count())}"

    @admin.display(description="Pass the gates")
    def passed(self, run: EvaluationRun) -> str:
        return count(run.answers.filter(state=ResultState.APPLIED).count())

    @admin.display(description="Cost")
    def cost(self, run: EvaluationRun) -> str:
        """Of the priced calls."""
        totals = totals_of(run)
        unpriced = f" + {count(totals.unpriced)} unpriced" if totals.unpriced else ""
        return f"{money(totals.cost_usd)}{unpriced}"


def tried_in_words(run: EvaluationRun) -> str:
    """What a run tries, in a line."""
    prompt = "" if run.prompt_version is None else f", prompt v{run.prompt_version}"
    return f"{run.model or f'node {run.node}'}{prompt}"


def comparison_view(request: HttpRequest) -> HttpResponse:
    """Two runs side by side, what differs first."""
    if not request.user.has_perm(MAY_VIEW):
        raise PermissionDenied
    runs = [_run(request, name) for name in ("first", "second")]
    try:
        found = compare(*runs)
    except BadSelection as error:
        raise Http404(str(error)) from error
    return TemplateResponse(
        request,
        "nodewise/comparison.html",
        {
            **admin.site.each_context(request),
            "title": f"Two runs over {runs[0].evaluation_set}",
            "found": found,
            "sides": [(f"The {side}", tried_in_words(run)) for side, run in _sides(found)],
            "measures": [_measure(each) for each in found.differences],
            "pairs": [_pair(each) for each in found.cases[:PAIRS_SHOWN]],
            "shown": PAIRS_SHOWN,
        },
    )


def _sides(found: RunComparison) -> tuple[tuple[str, EvaluationRun], ...]:
    return ("first", found.first), ("second", found.second)


def _run(request: HttpRequest, name: str) -> EvaluationRun:
    rows = EvaluationRun.objects.select_related("evaluation_set")
    try:
        return get_object_or_404(rows, pk=request.GET.get(name, ""))
    except ValidationError as error:
        raise Http404(f"{name}: this is no run's id.") from error


def _others(run: EvaluationRun) -> list[tuple[str, str]]:
    """Other runs over the same version, each with its address."""
    rows = EvaluationRun.objects.filter(evaluation_set=run.evaluation_set).exclude(pk=run.pk)
    return [
        (
            f"{other.label or str(other.pk)[:8]}: {tried_in_words(other)}",
            f"{reverse('admin:enrichment_comparison')}?"
            + urlencode({"first": str(other.pk), "second": str(run.pk)}),
        )
        for other in rows[:OTHERS_SHOWN]
    ]


def _measure(each: Difference) -> dict[str, str]:
    interval = "too few rows"
    if each.low is not None and each.high is not None:
        interval = f"{each.low:+.3f} to {each.high:+.3f}"
    return {
        "name": each.measure,
        "first": f"{each.first:.3f}",
        "second": f"{each.second:.3f}",
        "interval": interval,
        "verdict": f"the {each.verdict} is higher" if each.verdict else "no difference shown",
        "rows": count(each.cases),
    }


def _pair(case: Any) -> dict[str, Any]:
    return {
        "row": case.row_id,
        "differs": case.differs,
        "wanted": "" if case.wanted is None else readable(case.wanted),
        "first": readable(case.first.value),
        "second": readable(case.second.value),
    }
