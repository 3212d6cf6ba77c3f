"""The page that begins a run: what is tried over which set, with a forecast first."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrichment.admin.batch_form import TRANSPORTS as BATCH_TRANSPORTS
from enrichment.admin.batch_form import plainly
from enrichment.admin.batch_start import FRAGMENT
from enrichment.admin.shown_forecast import shown_forecast
from enrichment.batches.creation import MAX_CAP
from enrichment.errors import EnrichmentError, NoWorkers
from enrichment.evaluations import runs
from enrichment.evaluations.runs import RunOrder
from enrichment.lane_queue import start_run
from enrichment.models import Transport
from enrichment.models.evaluations import EvaluationRun, EvaluationSet
from llmconfig.admin.kit.theme import SelectWidget, TextWidget
from llmconfig.admin.kit.who_answers import who_answers
from llmconfig.errors import CallsDisabled, LLMError
from llmconfig.models import NodeConfiguration

MAY_ADD = "enrichment.add_evaluationrun"
TRANSPORTS = [each for each in BATCH_TRANSPORTS if each[0] in Transport.values]
MAX_SETS = 500  # offered for choice, the newest first
NUMBER = {"inputmode": "numeric", "autocomplete": "off"}


class RunForm(forms.Form):
    """One run: what is left blank is what is in force."""

    set = forms.ChoiceField(label=gettext_lazy("Set"), widget=SelectWidget)
    model = forms.CharField(
        label=gettext_lazy("Model"),
        required=False,
        max_length=200,
        widget=TextWidget(attrs={"placeholder": "provider/model", "autocomplete": "off"}),
        help_text=gettext_lazy("Blank: the node's own, through its cascade where it has one."),
    )
    node = forms.ChoiceField(
        label=gettext_lazy("Node"),
        required=False,
        widget=SelectWidget,
        help_text=gettext_lazy("The node whose configuration is used."),
    )
    prompt_version = forms.IntegerField(
        label=gettext_lazy("Prompt version"),
        required=False,
        min_value=0,
        widget=TextWidget(attrs=NUMBER),
        help_text=gettext_lazy("0 is the built-in one. Blank: the one in use for each row."),
    )
    transport = forms.ChoiceField(
        label=gettext_lazy("Transport"),
        choices=TRANSPORTS,
        initial=Transport.LIVE.value,
        required=False,
        widget=SelectWidget,
        help_text=gettext_lazy(
            "A provider batch may take 24 hours. Rows without an answer in it continue one by one."
        ),
    )
    label = forms.CharField(
        label=gettext_lazy("Label"),
        required=False,
        max_length=100,
        widget=TextWidget,
        help_text=gettext_lazy("Shown in lists."),
    )
    max_cost_usd = forms.DecimalField(
        localize=True,  # a comma where the reader writes one
        label=gettext_lazy("Cap (USD)"),
        required=False,
        min_value=0,
        max_digits=16,
        decimal_places=10,
        max_value=MAX_CAP - 1,
        widget=TextWidget(attrs={"inputmode": "decimal", "placeholder": gettext_lazy("None")}),
        help_text=gettext_lazy("The run stops when it has cost this much."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = EvaluationSet.objects.order_by("-created_at")[:MAX_SETS]
        self._offer("set", [(str(each.pk), f"{each} · {each.of_what}") for each in found])
        nodes = NodeConfiguration.objects.order_by("node_name").values_list("node_name", flat=True)
        own = ("", _("The set's own"))
        self._offer("node", [own, *((each, each) for each in nodes)])

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    @property
    def evaluation_set(self) -> EvaluationSet:
        """The chosen one; of a valid form."""
        return EvaluationSet.objects.get(pk=self.cleaned_data["set"])

    @property
    def order(self) -> RunOrder:
        """What the valid form asks for."""
        given = self.cleaned_data
        return RunOrder(
            model=given["model"].strip(),
            node=given["node"],
            prompt_version=given["prompt_version"],
            label=given["label"],
            max_cost_usd=given["max_cost_usd"],
            transport=given["transport"] or Transport.LIVE.value,
        )

    def refuse(self, refusal: Exception) -> None:
        """Show a refusal of the domain beside the field that it names."""
        field = str(getattr(refusal, "field", ""))
        self.add_error(field if field in self.fields else None, plainly(refusal))


def run_view(request: HttpRequest) -> HttpResponse:
    """Show the form, the forecast for the page's script, or begin the run."""
    if not request.user.has_perm(MAY_ADD):
        raise PermissionDenied
    if not EvaluationSet.objects.exists():
        messages.info(request, _("Make a set first: a run works on its rows."))
        return HttpResponseRedirect(reverse("admin:enrichment_evaluationset_add"))
    if request.method != "POST":
        return _page(request, RunForm(initial=request.GET.dict()), None)
    form = RunForm(request.POST)
    shown = None
    if form.is_valid():
        try:
            if request.POST.get("do") != "forecast":
                return _begun(request, form)
            order = form.order
            found = runs.foresee(form.evaluation_set, order)
            shown = shown_forecast(found, transport=order.transport, cap=order.max_cost_usd)
        except CallsDisabled:
            form.add_error(None, _("LLM calls are disabled."))
        except (EnrichmentError, LLMError) as refusal:
            form.refuse(refusal)
    if request.headers.get(FRAGMENT):
        said = {"form": form, "forecast": shown}
        return TemplateResponse(request, "nodewise/forecast.html", said)
    return _page(request, form, shown)


def _begun(request: HttpRequest, form: RunForm) -> HttpResponse:
    user = request.user if request.user.is_authenticated else None
    run = runs.begin(form.evaluation_set, form.order, user=user)
    messages.success(request, _("Started: %(run)s.") % {"run": run})
    if note := queue(run):
        messages.warning(request, note)
    return HttpResponseRedirect(reverse("admin:enrichment_evaluationrun_change", args=[run.pk]))


def queue(run: EvaluationRun) -> str:
    """Have a worker carry it out; what to tell where none can be told, blank where one is."""
    try:
        start_run(run)
    except NoWorkers as error:
        return _("%(reason)s The run waits for a worker.") % {"reason": error}
    return ""


def _page(request: HttpRequest, form: RunForm, shown: dict[str, Any] | None) -> HttpResponse:
    return TemplateResponse(
        request,
        "nodewise/run_form.html",
        {
            **admin.site.each_context(request),
            "title": _("Start a run"),
            "opts": EvaluationRun._meta,  # noqa: SLF001 - Django's documented name
            "form": form,
            "forecast": shown,
            "answers": who_answers(request),
        },
    )
