"""What a person says to start a batch, and which selection and terms that means."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from enrichment.admin.chosen_rows import ChosenRows
from enrichment.admin.freshness import WORDS
from enrichment.batches.creation import AUTO, MAX_CAP, MAX_PRIORITY, Selection, Terms, check_variant
from enrichment.batches.staleness import ALL_REASONS, DEFAULT_REASONS, Reason
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment, ListedOrganizations
from enrichment.errors import BadSelection
from enrichment.language_tags import NAMES
from enrichment.models import Recurrence, Transport
from llmconfig.admin.kit.theme import SelectWidget, TextWidget

MAX_ORGANIZATIONS = 500  # offered for choice; others are typed
MAX_LANGUAGES = 20
MIN_CAP = Decimal("0.000001")  # US dollars; blank is none
PAST_ALLOWED = dt.timedelta(minutes=2)  # while a person still looks at the form
TRANSPORTS = (
    (Transport.LIVE.value, _("Now, call by call")),
    (
        Transport.PROVIDER_BATCH.value,
        _("As a provider batch: half price, within a day"),
    ),
    (AUTO, _("Whichever is cheaper and meets the deadline")),
)
# The fields of this form by the names that the domain's errors use.
FIELDS = {
    "processing_type": "enrichment",
    "target_language": "languages",
    "within_hours": "within_hours",
}
NUMBER = {"inputmode": "numeric", "autocomplete": "off"}


class BatchOrder(Struct, frozen=True):
    """A batch as it was asked for."""

    enrichment: Enrichment
    selection: Selection
    terms: Terms
    at: dt.datetime | None  # the first start; None: now
    recurrence: str

    @property
    def is_planned(self) -> bool:
        """Whether it starts later, or more than once."""
        return self.at is not None or self.recurrence != Recurrence.ONCE


class BatchForm(forms.Form):
    """One batch: which enrichment over which rows, and on what terms."""

    enrichment = forms.ChoiceField(label=_("Enrichment"), widget=SelectWidget)
    languages = forms.CharField(
        label=_("Languages"),
        required=False,
        max_length=200,
        widget=TextWidget(attrs={"placeholder": "es, fr", "list": "batch-languages"}),
        help_text=_("Into which languages, with commas between: es, pt-BR, zh-Hant."),
    )
    organization = forms.CharField(
        label=_("Organization"),
        required=False,
        max_length=100,
        widget=TextWidget(
            attrs={"placeholder": _("All"), "list": "batch-organizations", "autocomplete": "off"}
        ),
        help_text=_("Only the rows of this organization."),
    )
    limit = forms.IntegerField(
        label=_("Row limit"),
        required=False,
        min_value=1,
        widget=TextWidget(attrs=NUMBER | {"placeholder": _("All")}),
    )
    max_cost_usd = forms.DecimalField(
        localize=True,  # a comma where the reader writes one
        label=_("Cap (USD)"),
        required=False,
        max_digits=16,
        decimal_places=10,
        min_value=MIN_CAP,
        max_value=MAX_CAP - 1,
        widget=TextWidget(attrs={"inputmode": "decimal", "placeholder": _("None")}),
        help_text=_("The batch pauses when it has cost this much."),
    )
    stale = forms.MultipleChoiceField(
        label=_("Rows that need work because"),
        choices=[(each.value, WORDS[each]) for each in Reason if each in ALL_REASONS],
        initial=sorted(DEFAULT_REASONS),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    force = forms.BooleanField(
        label=_("Also rows that are up to date (every row is paid for again)"), required=False
    )
    transport = forms.ChoiceField(
        label=_("Transport"),
        choices=TRANSPORTS,
        initial=Transport.LIVE.value,
        required=False,
        widget=SelectWidget,
    )
    within_hours = forms.FloatField(
        localize=True,  # a comma where the reader writes one
        label=_("Deadline in hours"),
        required=False,
        min_value=0,
        widget=TextWidget(attrs={"inputmode": "decimal", "placeholder": _("None")}),
        help_text=_("A provider batch may take 24 hours."),
    )
    priority = forms.IntegerField(
        label=_("Priority"),
        required=False,
        initial=0,
        min_value=-MAX_PRIORITY,
        max_value=MAX_PRIORITY,
        widget=TextWidget(attrs=NUMBER),
        help_text=format_lazy(
            _("From -{most} to {most}; five more doubles the share of workers and rate limits."),
            most=MAX_PRIORITY,
        ),
    )
    at = forms.DateTimeField(
        label=_("Start at (UTC)"),
        required=False,
        widget=TextWidget(attrs={"type": "datetime-local"}),
        help_text=_("Blank: now."),
    )
    recurrence = forms.ChoiceField(
        label=_("Repeat"),
        choices=Recurrence.choices,
        initial=Recurrence.ONCE.value,
        required=False,
        widget=SelectWidget,
        help_text=_("Each time it takes the rows that need work then."),
    )
    table = forms.CharField(required=False, widget=forms.HiddenInput)
    rows = forms.CharField(required=False, widget=forms.HiddenInput)
    query = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, chosen: ChosenRows, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.chosen = chosen
        offered = chosen.enrichments
        choice = self.fields["enrichment"]
        choice.choices = [(each.name, each.label) for each in offered]  # type: ignore[attr-defined]
        self.by_variant = [each.name for each in offered if each.by_variant]
        self.organizations = _organizations(offered)
        self.has_organizations = any(each.organizations for each in offered)
        self.language_names = sorted(NAMES.items(), key=lambda pair: pair[1])

    def clean_languages(self) -> tuple[str, ...]:
        """Each language once, checked; none where the enrichment has none."""
        name = self.cleaned_data.get("enrichment")
        if not name or not get(name).by_variant:
            return ("",)
        text = self.cleaned_data["languages"].replace(",", " ")
        codes = tuple(dict.fromkeys(text.split()))
        if not codes:
            raise forms.ValidationError(gettext("Enter at least one language, such as es."))
        if len(codes) > MAX_LANGUAGES:
            raise forms.ValidationError(
                gettext("At most {number} languages at once.").format(number=MAX_LANGUAGES)
            )
        for code in codes:
            try:
                check_variant(get(name), code)
            except BadSelection as refusal:
                raise forms.ValidationError(plainly(refusal)) from None
        return codes

    def clean_at(self) -> dt.datetime | None:
        """A moment to come."""
        at: dt.datetime | None = self.cleaned_data["at"]
        if at is not None and at < timezone.now() - PAST_ALLOWED:
            raise forms.ValidationError(gettext("This is in the past."))
        return at

    def clean(self) -> dict[str, Any]:
        """Refuse a batch that takes rows for no reason at all."""
        given = super().clean() or self.cleaned_data
        if not given.get("stale") and not given.get("force") and "stale" not in self.errors:
            self.add_error("stale", gettext("Choose at least one reason, or all rows."))
        return given

    def order(self, request: HttpRequest) -> BatchOrder:
        """What the valid form asks for; raises BadSelection."""
        given = self.cleaned_data
        selection = Selection(
            organization=given["organization"].strip(),
            limit=given["limit"],
            ids=self.chosen.ids,
            within=self.chosen.within(request),
            filter=self.chosen.query,
            force=given["force"],
            stale=frozenset(Reason(each) for each in given["stale"]) or DEFAULT_REASONS,
            variants=given["languages"],
        )
        terms = Terms(
            max_cost_usd=given["max_cost_usd"],
            priority=given["priority"] or 0,
            transport=given["transport"] or Transport.LIVE.value,
            within_hours=given["within_hours"],
        )
        recurrence = given["recurrence"] or Recurrence.ONCE.value
        return BatchOrder(get(given["enrichment"]), selection, terms, given["at"], recurrence)

    def refuse(self, refusal: Exception) -> None:
        """Show a refusal of the domain beside the field that it names."""
        field = str(getattr(refusal, "field", ""))
        field = FIELDS.get(field, field)
        self.add_error(field if field in self.fields else None, plainly(refusal))


def plainly(refusal: Exception) -> str:
    """A refusal without the field's name before it, which stands beside it already."""
    text, field = str(refusal), str(getattr(refusal, "field", ""))
    return text.removeprefix(f"{field}: ") if field else text


def amount(value: float) -> Decimal:
    """A forecast's dollars as the other pages write money."""
    return Decimal(str(round(value, 10)))


def _organizations(offered: list[Enrichment]) -> list[tuple[str, str]]:
    """What the field offers, each organization once."""
    sources = {type(each.organizations): each.organizations for each in offered}
    found: dict[str, str] = {}
    for source in sources.values():
        if isinstance(source, ListedOrganizations):
            found |= dict(source.choices(MAX_ORGANIZATIONS))
    return sorted(found.items(), key=lambda pair: pair[1])
