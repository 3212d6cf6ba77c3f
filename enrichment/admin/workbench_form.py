"""What a person writes on the workbench, and the versions that a wording may start from."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import Struct

from enrichment import drafts
from enrichment.enrichments.contract import Enrichment
from enrichment.facts import source_rules
from enrichment.models import DeclaredEnrichment, Prompt
from enrichment.prompts.labels import PRODUCTION
from enrichment.prompts.selection import BUILT_IN, TriedPrompt, offered_names
from llmconfig.admin.kit.theme import TextareaWidget, TextWidget

LONGEST = 100_000  # characters
NUMBER = {"inputmode": "numeric", "autocomplete": "off"}


class Base(Struct, frozen=True):
    """A version as the workbench lists it; 0 ships with the enrichment."""

    version: int
    name: str
    system: str
    user: str
    organization_id: int | None
    organization: str
    in_use: bool
    labels: tuple[str, ...]
    note: str

    @property
    def all_labels(self) -> tuple[str, ...]:
        """With production, which is the version in use."""
        return ((PRODUCTION,) if self.in_use else ()) + self.labels


def bases(enrichment: Enrichment) -> list[Base]:
    """All versions, the newest first, and what ships with the enrichment last."""
    rows = list(Prompt.objects.filter(enrichment=enrichment.name).order_by("-version"))
    keys = {row.organization_id for row in rows if row.organization_id is not None}
    of = enrichment.organizations
    called = of.names(sorted(keys)) if of and keys else {}
    found = [
        Base(
            row.version, f"v{row.version}", row.system, row.user, row.organization_id,
            called.get(row.organization_id, "") if row.organization_id is not None else "",
            row.is_active, tuple(row.labels), row.note,
        )
        for row in rows
    ]  # fmt: skip
    if found and DeclaredEnrichment.objects.filter(name=enrichment.name).exists():
        return found  # its wording is in its versions alone
    replaced = any(base.in_use and base.organization_id is None for base in found)
    text = enrichment.prompt
    built_in = Base(BUILT_IN, _("built-in"), text.system, text.user, None, "", not replaced, (), "")
    return [*found, built_in]


class WorkbenchForm(forms.Form):
    """A wording, and the row or rows that it is looked at with."""

    system = forms.CharField(
        label=gettext_lazy("Instructions"),
        required=False,
        strip=False,
        max_length=LONGEST,
        widget=TextareaWidget(attrs={"rows": 8, "spellcheck": "false"}),
    )
    user = forms.CharField(
        label=gettext_lazy("Message"),
        strip=False,
        max_length=LONGEST,
        widget=TextareaWidget(attrs={"rows": 8, "spellcheck": "false"}),
    )
    note = forms.CharField(
        label=gettext_lazy("Reason for this version"),
        required=False,
        max_length=200,
        widget=TextWidget(attrs={"autocomplete": "off"}),
    )
    row = forms.CharField(
        label=gettext_lazy("Row"),
        required=False,
        max_length=100,
        widget=TextWidget(attrs={"placeholder": "1", "autocomplete": "off"}),
        help_text=gettext_lazy("The row's ID. Blank: the first rows of the table."),
    )
    rows = forms.IntegerField(
        label=gettext_lazy("Rows to try"),
        initial=3,
        min_value=1,
        max_value=drafts.MAX_TRIED,
        widget=TextWidget(attrs=NUMBER),
    )
    language = forms.CharField(
        label=gettext_lazy("Language"),
        required=False,
        max_length=35,
        widget=TextWidget(attrs={"autocomplete": "off", "placeholder": "es"}),
    )
    base = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, enrichment: Enrichment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.enrichment = enrichment
        if not enrichment.by_variant:
            del self.fields["language"]

    @classmethod
    def starting_from(cls, enrichment: Enrichment, given: Mapping[str, Any]) -> "WorkbenchForm":
        """With the text of the version that the address names, else of the one in use."""
        known = bases(enrichment)
        wanted = str(given.get("version", ""))
        default = next(
            (each for each in known if each.in_use and each.organization_id is None), known[-1]
        )
        base = next((each for each in known if str(each.version) == wanted), default)
        seen = drafts.languages(enrichment)
        initial = {
            "system": base.system, "user": base.user, "base": base.version, "rows": 3,
            "row": given.get("row", ""), "language": seen[0] if seen else "es",
        }  # fmt: skip
        return cls(initial=initial, enrichment=enrichment)

    @property
    def offered(self) -> list[str]:
        """What a row offers to the text, as it is written there."""
        known = sorted(offered_names(self.enrichment))
        facts = sorted(source_rules.offered(self.enrichment))
        return [f"{{{{{name}}}}}" for name in (*known, *facts)]

    @property
    def base_version(self) -> int:
        """The version that the text started from."""
        value = self["base"].value()
        return int(value) if str(value).isdecimal() else BUILT_IN

    def clean_system(self) -> str:
        """Lines end as they are stored."""
        return self._with_plain_lines("system")

    def clean_user(self) -> str:
        return self._with_plain_lines("user")

    def _with_plain_lines(self, name: str) -> str:
        text: str = self.cleaned_data[name]
        return text.replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        """A language where the enrichment has one."""
        given = super().clean() or self.cleaned_data
        given.setdefault("language", "")
        return given

    def draft(self) -> TriedPrompt:
        """The valid form's wording, for whom its base was; raises BadPrompt."""
        base = Prompt.objects.filter(
            enrichment=self.enrichment.name, version=self.cleaned_data["base"] or BUILT_IN
        ).first()
        return drafts.draft_of(
            self.enrichment,
            system=self.cleaned_data["system"],
            user=self.cleaned_data["user"],
            organization_id=base.organization_id if base else None,
        )

    def refuse(self, refusal: Exception, said: str) -> None:
        """Show a refusal of the domain beside the field that it names."""
        field = {"target_language": "language", "ids": "row"}.get(
            str(getattr(refusal, "field", "")), str(getattr(refusal, "field", ""))
        )
        self.add_error(field if field in self.fields else None, said)
