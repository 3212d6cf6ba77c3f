"""The page that makes a set: which rows or calls, and whose answers are wanted."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from enrichment.admin.batch_form import plainly
from enrichment.admin.chosen_rows import ChosenRows
from enrichment.enrichments import get
from enrichment.errors import BadSelection, EnrichmentError
from enrichment.evaluations import sets
from enrichment.evaluations.recorded import DEFAULT_DAYS, MAY_READ, RecordedSource
from enrichment.evaluations.sets import MAX_CASES, CaseSource
from enrichment.evaluations.wanted_file import text_of
from enrichment.models.evaluations import EvaluationSet, WantedBy
from llmconfig.admin.kit.theme import SelectWidget, SwitchWidget, TextareaWidget, TextWidget
from llmconfig.models import NodeConfiguration

MAY_ADD = "enrichment.add_evaluationset"
MAX_FILE_BYTES = 4_000_000
SAMPLE, CHOSEN, NAMED, REVIEWS, FILE, CALLS = (
    "sample", "chosen", "ids", "reviews", "file", "calls",
)  # fmt: skip
# Where each way of choosing has its fields; the page shows those alone.
FIELDS_OF = {
    SAMPLE: ("enrichment", "language", "limit", "wanted_by"),
    CHOSEN: ("enrichment", "language", "limit", "wanted_by"),
    NAMED: ("enrichment", "language", "ids", "wanted_by"),
    REVIEWS: ("enrichment", "language", "limit"),
    FILE: ("enrichment", "language", "csv"),
    CALLS: ("node", "days", "limit", "wanted_answers"),
}
# The fields of this form by the names that the domain's errors use.
NAMES = {"processing_type": "enrichment", "target_language": "language", "file": "csv"}
NUMBER = {"inputmode": "numeric", "autocomplete": "off"}


class SetForm(forms.Form):
    """One set, or its next version."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=60,
        widget=TextWidget(attrs={"autocomplete": "off", "list": "set-names"}),
        help_text=gettext_lazy(
            "Lower-case letters, digits and hyphens. An existing name gets a new version."
        ),
    )
    source = forms.ChoiceField(label=gettext_lazy("Take"), widget=SelectWidget)
    enrichment = forms.ChoiceField(
        label=gettext_lazy("Enrichment"), required=False, widget=SelectWidget
    )
    language = forms.CharField(
        label=gettext_lazy("Language"),
        required=False,
        max_length=35,
        widget=TextWidget(attrs={"placeholder": "es"}),
        help_text=gettext_lazy("For translations, such as es."),
    )
    ids = forms.CharField(
        label=gettext_lazy("Rows"),
        required=False,
        widget=TextareaWidget(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=gettext_lazy("Their IDs, separated by spaces, commas or line breaks."),
    )
    node = forms.ChoiceField(label=gettext_lazy("Node"), required=False, widget=SelectWidget)
    days = forms.IntegerField(
        label=gettext_lazy("From the last days"),
        required=False,
        min_value=1,
        max_value=3650,
        initial=DEFAULT_DAYS,
        widget=TextWidget(attrs=NUMBER),
        help_text=gettext_lazy("Calls whose prompts and answers are kept."),
    )
    limit = forms.IntegerField(
        label=gettext_lazy("Sample size (random)"),
        required=False,
        min_value=1,
        max_value=MAX_CASES,
        initial=200,
        widget=TextWidget(attrs=NUMBER),
    )
    wanted_by = forms.ChoiceField(
        label=gettext_lazy("Expected answer"),
        required=False,
        choices=[
            (WantedBy.NOBODY.value, gettext_lazy("Unknown")),
            (WantedBy.ROW.value, gettext_lazy("The row's current value")),
        ],
        widget=SelectWidget,
        help_text=gettext_lazy("With the current value, rows without one are skipped."),
    )
    wanted_answers = forms.ChoiceField(
        label=gettext_lazy("Expected answer"),
        required=False,
        choices=[
            (WantedBy.CALL.value, gettext_lazy("The call's answer, if it passed")),
            (WantedBy.NOBODY.value, gettext_lazy("Unknown")),
        ],
        widget=SelectWidget,
    )
    csv = forms.FileField(
        label=gettext_lazy("CSV file"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv", "class": "nw-input"}),
        help_text=gettext_lazy(
            "With the columns row_id and wanted: the expected value, as JSON if the column "
            "holds JSON."
        ),
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=200,
        widget=TextWidget,
        help_text=gettext_lazy("What it is for."),
    )
    keep = forms.BooleanField(
        label=gettext_lazy("Keep the rows of the version before"),
        required=False,
        widget=SwitchWidget,
    )
    table = forms.CharField(required=False, widget=forms.HiddenInput)
    rows = forms.CharField(required=False, widget=forms.HiddenInput)
    query = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, chosen: ChosenRows, may_read: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.chosen = chosen
        self.by_variant = [each.name for each in chosen.enrichments if each.by_variant]
        self.known_names = sorted(set(EvaluationSet.objects.values_list("name", flat=True)))
        self._offer("enrichment", [(each.name, each.label) for each in chosen.enrichments])
        nodes = NodeConfiguration.objects.order_by("node_name").values_list("node_name", flat=True)
        self._offer("node", [(each, each) for each in nodes])
        ways = [
            (SAMPLE, _("Random rows")),
            (NAMED, _("These rows")),
            (REVIEWS, _("Reviewed rows, with their values since")),
            (FILE, _("Rows of a CSV file, with their expected answers")),
        ]
        if chosen.ids is not None or chosen.query:
            ways.insert(0, (CHOSEN, chosen.describe()))
        if may_read:
            ways.append((CALLS, _("Recorded calls of a node")))
        self._offer("source", ways)

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def chosen_fields(self) -> list[dict[str, Any]]:
        """The fields that only some ways of choosing have, with these ways for the script."""
        names = dict.fromkeys(name for fields in FIELDS_OF.values() for name in fields)
        return [
            {
                "name": name,
                "field": self[name],
                "ways": " ".join(way for way, fields in FIELDS_OF.items() if name in fields),
            }
            for name in names
        ]

    def clean_csv(self) -> str:
        """Its text; a spreadsheet's byte order mark is no part of it."""
        file = self.cleaned_data.get("csv")
        if not isinstance(file, UploadedFile):
            return ""
        if (file.size or 0) > MAX_FILE_BYTES:
            raise forms.ValidationError(_("It is larger than 4 MB."))
        try:
            return text_of(file.read())
        except BadSelection as error:
            raise forms.ValidationError(plainly(error)) from error

    def clean(self) -> dict[str, Any]:
        """What the way of choosing needs has to be there."""
        cleaned = super().clean() or self.cleaned_data
        way = cleaned.get("source")
        if way == FILE and not cleaned.get("csv") and "csv" not in self.errors:
            self.add_error("csv", _("Choose a CSV file."))
        if way == NAMED and not cleaned.get("ids", "").replace(",", " ").split():
            self.add_error("ids", _("Name at least one row."))
        if way == CALLS and not cleaned.get("node"):
            self.add_error("node", _("Choose the node whose calls to use."))
        return cleaned

    def make(self, request: HttpRequest) -> EvaluationSet:
        """The set that the valid form asks for; raises EnrichmentError."""
        given = self.cleaned_data
        name = given["enrichment"]
        by_variant = bool(name) and get(name).by_variant
        return sets.make_set(
            given["name"],
            name,
            self._source(request),
            variant=given["language"].strip() if by_variant else "",
            note=given["note"],
            user=request.user if request.user.is_authenticated else None,
            keep=given["keep"],
        )

    def _source(self, request: HttpRequest) -> CaseSource:
        given = self.cleaned_data
        limit = given["limit"] or 200
        way, wanted_by = given["source"], given["wanted_by"]
        if way == CALLS:
            days = given["days"] or DEFAULT_DAYS
            calls = RecordedSource(given["node"], days, wanted=bool(given["wanted_answers"]))
            return CaseSource(limit=limit, calls=calls)
        if way == FILE:
            return CaseSource(file=given["csv"])
        if way == REVIEWS:
            return CaseSource(limit=limit, wanted_by=WantedBy.REVIEW.value)
        if way == NAMED:
            ids = tuple(dict.fromkeys(given["ids"].replace(",", " ").split()))
            return CaseSource(ids=ids, wanted_by=wanted_by)
        if way == CHOSEN:
            within = self.chosen.within(request)
            return CaseSource(ids=self.chosen.ids, limit=limit, wanted_by=wanted_by, within=within)
        return CaseSource(limit=limit, wanted_by=wanted_by)

    def refuse(self, refusal: Exception) -> None:
        """Show a refusal of the domain beside the field that it names."""
        field = str(getattr(refusal, "field", ""))
        field = NAMES.get(field, field)
        self.add_error(field if field in self.fields else None, plainly(refusal))


def set_view(request: HttpRequest) -> HttpResponse:
    """Show the form, or make the set."""
    if not request.user.has_perm(MAY_ADD):
        raise PermissionDenied
    given = request.POST if request.method == "POST" else request.GET
    chosen = ChosenRows.of(given)
    may_read = request.user.has_perm(MAY_READ)
    if request.method != "POST":
        form = SetForm(initial=_initial(request, chosen), chosen=chosen, may_read=may_read)
        return _page(request, form)
    form = SetForm(request.POST, request.FILES, chosen=chosen, may_read=may_read)
    if form.is_valid():
        try:
            made = form.make(request)
        except EnrichmentError as refusal:
            form.refuse(refusal)
        else:
            cases = made.cases.count()
            said = ngettext("%(set)s has %(count)d row.", "%(set)s has %(count)d rows.", cases)
            messages.success(request, said % {"set": made, "count": cases})
            return HttpResponseRedirect(
                reverse("admin:enrichment_evaluationset_change", args=[made.pk])
            )
    return _page(request, form)


def _initial(request: HttpRequest, chosen: ChosenRows) -> dict[str, Any]:
    names = ("name", "enrichment", "language", "node", "source")
    given = {name: request.GET[name] for name in names if name in request.GET}
    first = CHOSEN if chosen.ids is not None or chosen.query else SAMPLE
    return {
        "source": first,
        "table": chosen.table,
        "rows": ",".join(chosen.ids or ()),
        "query": chosen.query,
        **given,
    }


def _page(request: HttpRequest, form: SetForm) -> HttpResponse:
    return TemplateResponse(
        request,
        "nodewise/set_form.html",
        {
            **admin.site.each_context(request),
            "title": _("New set"),
            "opts": EvaluationSet._meta,  # noqa: SLF001 - Django's documented name
            "form": form,
        },
    )
