"""Sets of rows, and runs over them."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrichment.admin import set_form
from enrichment.admin.batch_cascade import cascade_in_words, cascade_section
from enrichment.admin.comparison_page import (
    address_of,
    comparison_view,
    others_of,
    tried_in_words,
)
from enrichment.admin.review_values import readable
from enrichment.admin.run_form import MAY_ADD, queue, run_view
from enrichment.admin.submissions_table import SUBMISSIONS_SHOWN, submissions_shown
from enrichment.errors import BadSelection, NotAllowedNow
from enrichment.evaluations import run_states
from enrichment.evaluations.recorded import MAY_READ, may_see
from enrichment.evaluations.run_cascade import figures_of
from enrichment.evaluations.run_states import totals_of
from enrichment.models import (
    EvaluationAnswer,
    EvaluationCase,
    EvaluationRun,
    EvaluationSet,
    ProviderBatchSubmission,
    ResultState,
)
from enrichment.models.batches import UNFINISHED
from enrichment.models.evaluations import RunStatus
from llmconfig.admin.kit.presentation import badge
from llmconfig.admin.kit.writes import ReadOnlyAdmin
from llmconfig.configuration.known_costs import money
from llmconfig.configuration.numbers import count

CASES_SHOWN = 20
STATUS_TONES = {
    RunStatus.WAITING: "info",
    RunStatus.RUNNING: "info",
    RunStatus.DONE: "good",
    RunStatus.STOPPED: "warning",
}


class DeletableAdmin(ReadOnlyAdmin):
    """What people make here and may throw away, but never change."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever has the table's own permission."""
        name = f"{self.opts.app_label}.delete_{self.opts.model_name}"
        return request.user.has_perm(name)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """What goes with it is its own part: it is counted, and needs no permission besides."""
        _all, counts, _needed, protected = super().get_deleted_objects(objs, request)
        return [str(each) for each in objs], counts, set(), protected


class RunsAwayAdmin(DeletableAdmin):
    """Whose runs aren't thrown away while a provider works on them: they would be paid unseen."""

    runs_path = ""

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """What is with a provider protects its run."""
        found, counts, needed, protected = super().get_deleted_objects(objs, request)
        away = ProviderBatchSubmission.objects.filter(
            state__in=list(UNFINISHED), **{f"{self.runs_path}__in": [each.pk for each in objs]}
        )
        said = _("{run} is with {provider}: stop it first, and wait until its answers are read.")
        protected += [
            said.format(run=each.run, provider=each.provider)
            for each in away.select_related("run__evaluation_set")
        ]
        return found, counts, needed, protected


@admin.register(EvaluationSet)
class EvaluationSetAdmin(RunsAwayAdmin):
    """A set never changes, its next version does."""

    runs_path = "run__evaluation_set"
    list_display = ("__str__", "of_what", "rows", "known", "note", "created_at")
    list_filter = ("enrichment",)
    search_fields = ("name", "note")
    fields = ("name", "version", "of_what", "rows", "known", "note", "created_by", "created_at")
    change_form_outer_after_template = "nodewise/set_cases.html"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may make sets; the page is ours."""
        return request.user.has_perm(set_form.MAY_ADD)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of our own that makes a set."""
        return set_form.set_view(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EvaluationSet]:
        """With how many rows each has."""
        rows: QuerySet[EvaluationSet] = super().get_queryset(request)
        known = Count("cases", filter=Q(cases__wanted__isnull=False))
        return rows.annotate(all_cases=Count("cases"), known_cases=known)

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With its first rows, and the ways on."""
        if isinstance(obj, EvaluationSet):
            seen = may_see(request.user, obj)
            context["cases"] = [_case(each) for each in obj.cases.all()[:CASES_SHOWN]] * seen
            context["runs"] = obj.runs.order_by("-created_at")[:CASES_SHOWN]
            if request.user.has_perm(MAY_ADD):
                begin = reverse("admin:enrichment_evaluationrun_add")
                context["begin"] = f"{begin}?{urlencode({'set': obj.pk})}"
            if self.has_add_permission(request):
                again = {"name": obj.name, "enrichment": obj.enrichment, "language": obj.variant}
                query = urlencode({name: value for name, value in again.items() if value})
                context["again"] = f"{reverse('admin:enrichment_evaluationset_add')}?{query}"

    @admin.display(description=gettext_lazy("Of"))
    def of_what(self, found: EvaluationSet) -> str:
        return found.of_what

    @admin.display(description=gettext_lazy("Rows"))
    def rows(self, found: Any) -> str:
        return count(found.all_cases)

    @admin.display(description=gettext_lazy("Expected answer known"))
    def known(self, found: Any) -> str:
        return count(found.known_cases)


class CasesAdmin(ReadOnlyAdmin):
    """What holds texts of recorded calls is for those who may read texts."""

    set_path = "evaluation_set"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without recorded calls for those who may not read them."""
        rows: QuerySet[Any] = super().get_queryset(request)
        if request.user.has_perm(MAY_READ):
            return rows
        return rows.exclude(**{f"{self.set_path}__enrichment": ""})


@admin.register(EvaluationCase)
class EvaluationCaseAdmin(CasesAdmin):
    """A set's rows as they were, with the wanted answer where it is known."""

    list_display = ("row_id", "evaluation_set", "wanted_by")
    list_filter = ("evaluation_set",)
    list_select_related = ("evaluation_set",)
    search_fields = ("=row_id",)
    show_full_result_count = False


@admin.register(EvaluationAnswer)
class EvaluationAnswerAdmin(CasesAdmin):
    """What a run got for each row of its set."""

    set_path = "run__evaluation_set"
    list_display = (
        "case", "run", "state", "model_used", "went_through", "tokens", "cost_usd", "reason",
    )  # fmt: skip
    list_filter = ("state", "run")
    list_select_related = ("case", "run__evaluation_set")
    show_full_result_count = False

    @admin.display(description=gettext_lazy("Cascade"))
    def went_through(self, answer: EvaluationAnswer) -> str:
        """Which model's answer it is where a cheaper one was asked first, and its score."""
        return cascade_in_words(answer.cascade)


@admin.register(EvaluationRun)
class EvaluationRunAdmin(RunsAwayAdmin):
    """What was tried over a set; its page leads to comparisons with other runs over it."""

    runs_path = "run"
    list_display = ("name", "evaluation_set", "tried", "state", "progress", "created_at")
    list_filter = ("status", "evaluation_set__name")
    list_select_related = ("evaluation_set", "cascade")
    actions = ("compare_selected",)
    fields = (
        "evaluation_set", "tried", "transport", "state", "status_reason", "progress", "passed",
        "failed", "cost", "cap", "created_by", "created_at", "finished_at",
    )  # fmt: skip
    change_form_outer_after_template = "nodewise/run_others.html"

    def get_urls(self) -> list[URLPattern]:
        """The comparison, and the buttons' address."""
        view = self.admin_site.admin_view
        return [
            path("comparison/", view(comparison_view), name="enrichment_comparison"),
            path(
                "<uuid:run_id>/control/<str:verb>/",
                view(self.control_view),
                name="enrichment_evaluationrun_control",
            ),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may begin runs; the page is ours."""
        return request.user.has_perm(MAY_ADD)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of our own that begins a run."""
        return run_view(request)

    def control_view(self, request: HttpRequest, run_id: Any, verb: str) -> HttpResponse:
        """Stop a run, or let a stopped one go on."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_add_permission(request):
            raise PermissionDenied
        run = get_object_or_404(EvaluationRun, pk=run_id)
        try:
            if verb == "stop":
                run_states.stop(run)
            else:
                run_states.proceed(run, max_cost_usd=_cap_in(request))
                if note := queue(run):
                    messages.warning(request, note)
        except (NotAllowedNow, BadSelection) as refusal:
            messages.error(request, str(refusal))
        here = reverse("admin:enrichment_evaluationrun_change", args=[run.pk])
        return HttpResponseRedirect(here)

    @admin.action(description=gettext_lazy("Compare the two selected runs"), permissions=["add"])
    def compare_selected(
        self, request: HttpRequest, queryset: QuerySet[EvaluationRun]
    ) -> HttpResponse | None:
        """The older one is the first."""
        chosen = list(queryset.order_by("created_at")[:3])
        if len(chosen) != 2:
            messages.warning(request, _("Select two runs over the same version of a set."))
            return None
        return HttpResponseRedirect(address_of(*chosen))

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With the other runs that it can be compared with."""
        if isinstance(obj, EvaluationRun):
            context["others"] = others_of(obj)
            context["cascade"] = cascade_section(figures_of(obj))
            if may_see(request.user, obj.evaluation_set):
                answers = reverse("admin:enrichment_evaluationanswer_changelist")
                context["answers_url"] = f"{answers}?run__id__exact={obj.pk}"
            context["submissions"] = submissions_shown(obj.submissions.all())
            context["submissions_shown"] = SUBMISSIONS_SHOWN
            handed_over = reverse("admin:enrichment_providerbatchsubmission_changelist")
            context["submissions_url"] = f"{handed_over}?run__id__exact={obj.pk}"
            if self.has_add_permission(request):
                verbs = {
                    RunStatus.WAITING: ("stop", _("Stop")),
                    RunStatus.RUNNING: ("stop", _("Stop")),
                    RunStatus.STOPPED: ("proceed", _("Continue")),
                }
                cap = obj.max_cost_usd  # as a number field takes it, whatever the language
                context["typed_cap"] = "" if cap is None else f"{cap.normalize():f}"
                context["verb"] = verbs.get(RunStatus(obj.status))

    @admin.display(description=gettext_lazy("Run"))
    def name(self, run: EvaluationRun) -> str:
        return run.label or str(run.pk)[:8]

    @admin.display(description=gettext_lazy("Configuration"))
    def tried(self, run: EvaluationRun) -> str:
        """The model or node, and the prompt's version where one was named."""
        return tried_in_words(run)

    @admin.display(description=gettext_lazy("State"), ordering="status")
    def state(self, run: EvaluationRun) -> SafeString:
        return badge(run.get_status_display(), STATUS_TONES[RunStatus(run.status)])

    @admin.display(description=gettext_lazy("Answered"))
    def progress(self, run: EvaluationRun) -> str:
        """How many of the rows have an answer."""
        answered, cases = run.answers.count(), run.evaluation_set.cases.count()
        return _("%(answered)s of %(cases)s") % {
            "answered": count(answered),
            "cases": count(cases),
        }

    @admin.display(description=gettext_lazy("Passed the gates"))
    def passed(self, run: EvaluationRun) -> str:
        return count(run.answers.filter(state=ResultState.APPLIED).count())

    @admin.display(description=gettext_lazy("Failed"))
    def failed(self, run: EvaluationRun) -> str:
        """Calls without an answer, with the first one's reason."""
        failures = run.answers.filter(state=ResultState.FAILED)
        first = failures.first()
        return f"{count(failures.count())}: {first.reason}" if first else "0"

    @admin.display(description=gettext_lazy("Cap (USD)"))
    def cap(self, run: EvaluationRun) -> str:
        """In US dollars; without one a run has no bound."""
        return _("none") if run.max_cost_usd is None else money(run.max_cost_usd)

    @admin.display(description=gettext_lazy("Cost"))
    def cost(self, run: EvaluationRun) -> str:
        """What the priced calls cost, and how many others there are."""
        totals = totals_of(run)
        if not totals.unpriced:
            return money(totals.cost_usd)
        return _("%(cost)s + %(calls)s unpriced") % {
            "cost": money(totals.cost_usd),
            "calls": count(totals.unpriced),
        }


def _cap_in(request: HttpRequest) -> Decimal | None:
    """The cap that a form names, in US dollars; None where it names none."""
    typed = request.POST.get("max_cost_usd", "").strip()
    try:
        return Decimal(typed) if typed else None
    except InvalidOperation:
        raise BadSelection(_("A cap is a number of US dollars."), field="max_cost_usd") from None


def _case(case: EvaluationCase) -> dict[str, str]:
    return {
        "row": case.row_id,
        "said": readable(case.values),
        "wanted": "" if case.wanted is None else readable(case.wanted),
        "by": case.get_wanted_by_display() if case.wanted is not None else "",
    }
