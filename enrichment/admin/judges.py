"""Judges: how far they agree with reviewers, and whether they may decide."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrichment.admin.batch_form import plainly
from enrichment.enrichments import get, names
from enrichment.errors import EnrichmentError, NoWorkers
from enrichment.evaluations import judges
from enrichment.judging import agreement_in_words, judge_of, why_it_may_not_decide
from enrichment.lane_queue import start_calibration
from enrichment.models import JudgeCalibration, JudgedPair
from enrichment.models.evaluations import RunStatus
from llmconfig.admin.kit.presentation import badge
from llmconfig.admin.kit.theme import SelectWidget, TextWidget
from llmconfig.admin.kit.writes import ReadOnlyAdmin
from llmconfig.configuration.known_costs import money

MAY_ADD = "enrichment.add_judgecalibration"
MAX_VERDICTS = 1_000


class CalibrationForm(forms.Form):
    """Which judge is held against how many verdicts."""

    enrichment = forms.ChoiceField(label=gettext_lazy("Enrichment"), widget=SelectWidget)
    verdicts = forms.IntegerField(
        label=gettext_lazy("Verdicts"),
        min_value=10,
        max_value=MAX_VERDICTS,
        initial=100,
        widget=TextWidget(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text=gettext_lazy(
            "How many of the newest review decisions to use. Each costs one call, and two "
            "more where the reviewer wrote another answer."
        ),
    )

    def __init__(self, *args: Any, judged: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["enrichment"].choices = judged  # type: ignore[attr-defined]


@admin.register(JudgeCalibration)
class JudgeCalibrationAdmin(ReadOnlyAdmin):
    """A judge is a node's rubric and a model; here it is held against reviewers."""

    list_display = ("__str__", "model", "state", "agreement", "created_at")
    list_filter = ("enrichment", "status")
    fields = (
        "enrichment", "model", "state", "agreement", "now", "verdicts", "both_good", "both_bad",
        "judge_good", "judge_bad", "pairs", "pairs_right", "pairs_swayed", "swayed_to_first",
        "cost", "created_by", "created_at", "finished_at",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may calibrate judges; the page is ours."""
        return request.user.has_perm(MAY_ADD)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show which judges there are, or calibrate one."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        judged = [(each, get(each).label) for each in names() if judge_of(get(each)) is not None]
        if not judged:
            said = _("No node has a rubric for a judge. Add one to the node of an enrichment.")
            messages.info(request, said)
            return HttpResponseRedirect(reverse("admin:llmconfig_nodeconfiguration_changelist"))
        form = CalibrationForm(request.POST or None, judged=judged)
        if request.method == "POST" and form.is_valid():
            try:
                return self._begun(request, form.cleaned_data)
            except EnrichmentError as refusal:
                form.add_error(None, plainly(refusal))
        context = {**self.admin_site.each_context(request), "opts": self.opts, "form": form}
        context["title"] = _("Calibrate a judge")
        return TemplateResponse(request, "nodewise/judge_form.html", context)

    def _begun(self, request: HttpRequest, given: dict[str, Any]) -> HttpResponse:
        user = request.user if request.user.is_authenticated else None
        row = judges.begin_calibration(given["enrichment"], wanted=given["verdicts"], user=user)
        try:
            start_calibration(row)
        except NoWorkers as error:
            messages.warning(request, str(error))
        here = reverse("admin:enrichment_judgecalibration_change", args=[row.pk])
        return HttpResponseRedirect(here)

    @admin.display(description=gettext_lazy("State"), ordering="status")
    def state(self, row: JudgeCalibration) -> SafeString:
        tones = {RunStatus.DONE: "good", RunStatus.STOPPED: "warning"}
        return badge(row.get_status_display(), tones.get(RunStatus(row.status), "info"))

    @admin.display(description=gettext_lazy("Agreement"))
    def agreement(self, row: JudgeCalibration) -> str:
        """With reviewers, and how far the place of an answer sways it."""
        return agreement_in_words(row)

    @admin.display(description=gettext_lazy("May the judge decide?"))
    def now(self, row: JudgeCalibration) -> str:
        """By its rubric and model of now, which may be others than these."""
        try:
            found = judge_of(get(row.enrichment))
        except EnrichmentError as error:
            return str(error)
        return why_it_may_not_decide(found) or _("Yes.")

    @admin.display(description=gettext_lazy("Cost"))
    def cost(self, row: JudgeCalibration) -> str:
        """What the priced calls cost, and how many others there are."""
        if not row.unpriced:
            return money(row.cost_usd)
        return _("%(cost)s + %(calls)s unpriced") % {
            "cost": money(row.cost_usd),
            "calls": row.unpriced,
        }


@admin.register(JudgedPair)
class JudgedPairAdmin(ReadOnlyAdmin):
    """What judges said of two runs' answers; the comparison of the runs sums it up."""

    list_display = ("first", "second", "preference", "swayed")
    list_filter = ("swayed",)
    list_select_related = ("first", "second")
    show_full_result_count = False
