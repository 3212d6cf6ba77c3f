"""The form of a budget: what it applies to is chosen, so that it can match something."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from llmconfig.admin.kit import organizations
from llmconfig.admin.kit.theme import SelectWidget, TextWidget
from llmconfig.client.traffic.budget_scopes import check_scope
from llmconfig.configuration import snapshot
from llmconfig.errors import ChangeRefused
from llmconfig.models import Budget, BudgetScope, GatewayKey

# Named by what is typed beside it: there are too many of them to choose from.
TYPED = {
    BudgetScope.ORGANIZATION: _("An organization, by its number"),
    BudgetScope.BATCH: _("A batch or session, by its id"),
    BudgetScope.ACCOUNT: _("Another account of callers, by its name"),
}
LISTED = frozenset({BudgetScope.PROVIDER, BudgetScope.NODE, BudgetScope.ACCOUNT})


class BudgetForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the checker
    """Refuses a budget that could count nothing."""

    applies_to = forms.ChoiceField(
        label=_("Applies to"), widget=SelectWidget, help_text=_("Which calls count.")
    )
    scope_value = forms.CharField(
        label=_("Which one"),
        required=False,
        max_length=100,
        widget=TextWidget,
        help_text=_(
            "Only for an organization (its number), a batch or session (its id), or an"
            " account that is no API key."
        ),
    )

    class Meta:
        model = Budget
        fields = (
            "name", "is_enabled", "scope_value", "period", "soft_limit_usd", "hard_limit_usd",
            "allow_unpriced",
        )  # fmt: skip
        labels = {
            "soft_limit_usd": _("Soft limit (USD)"), "hard_limit_usd": _("Hard limit (USD)"),
        }  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = f"{self.instance.scope}:{self.instance.scope_value}"
        field: Any = self.fields["applies_to"]
        field.choices = choices = _choices()
        known = {value for _, group in choices for value, _ in group}
        if self.instance.pk is None:
            self.initial.setdefault("applies_to", BudgetScope.EVERYTHING.value)
        elif stored in known:
            self.initial.update({"applies_to": stored, "scope_value": ""})
        elif self.instance.scope in {*TYPED, BudgetScope.EVERYTHING}:
            self.initial["applies_to"] = self.instance.scope
        else:  # it names what is gone
            field.choices = [
                (gettext("No longer there"), [(stored, self.instance.scope_value)]),
                *choices,
            ]
            self.initial.update({"applies_to": stored, "scope_value": ""})

    def clean(self) -> dict[str, Any]:
        """The chosen or typed subject, which can be matched."""
        cleaned = super().clean() or {}
        scope, colon, value = cleaned.get("applies_to", "").partition(":")
        if not scope:
            return cleaned
        typed = cleaned.get("scope_value", "").strip()
        cleaned["scope_value"] = value if colon else typed if scope in TYPED else ""
        self.instance.scope = scope
        try:
            check_scope(scope, cleaned["scope_value"])
        except ChangeRefused as refusal:
            self.add_error("applies_to" if colon else "scope_value", str(refusal))
        if not colon and scope in TYPED and not typed:
            self.add_error("scope_value", gettext("Choose which one."))
        if typed and scope == BudgetScope.EVERYTHING:
            self.add_error(
                "scope_value", gettext("Leave it blank, or choose above what this is one of.")
            )
        return cleaned


def _choices() -> list[tuple[str, list[tuple[str, str]]]]:
    state = snapshot.current()
    nodes = sorted({*state.nodes, *state.interactions})
    keys = GatewayKey.objects.values_list("name", flat=True)
    groups = (
        (gettext("Providers"), BudgetScope.PROVIDER, _alike(sorted(state.providers))),
        (gettext("Nodes and interaction types"), BudgetScope.NODE, _alike(nodes)),
        (gettext("API keys"), BudgetScope.ACCOUNT, _alike(keys)),
        (gettext("Organizations"), BudgetScope.ORGANIZATION, organizations.offered()),
    )
    return [
        (gettext("All calls"), [(BudgetScope.EVERYTHING.value, gettext("Everything"))]),
        *((label, [(f"{scope.value}:{value}", name) for value, name in subjects])
          for label, scope, subjects in groups if subjects),
        (gettext("Others"), [(scope.value, str(label)) for scope, label in TYPED.items()]),
    ]  # fmt: skip


def _alike(names: Iterable[str]) -> list[tuple[str, str]]:
    """Subjects that are shown as they are stored."""
    return [(name, name) for name in names]
