"""Budgets, with what has been spent of each."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig.admin.budget_form import BudgetForm
from llmconfig.admin.kit.dashboard import Widget, register_widget
from llmconfig.admin.kit.presentation import NOTHING, badge
from llmconfig.admin.kit.writes import ReadOnlyAdmin, RevisionedAdmin
from llmconfig.client.traffic.budget_outlook import Outlook, outlook, with_spending
from llmconfig.configuration.known_costs import money
from llmconfig.configuration.numbers import count, dollars
from llmconfig.models import Budget, BudgetHold, BudgetSpending

BUDGETS_SHOWN = 12


class BudgetLine(Struct, frozen=True):
    """A budget on the dashboard; `share` is what is spent of its last limit, of 100 at most."""

    name: str
    value: str
    link: str
    share: float
    note: str
    fill: str


def budgets_widget(request: HttpRequest) -> Widget | None:
    """What the enabled budgets have spent, what is left and until when, the fullest first."""
    if not request.user.has_perm("llmconfig.view_budget"):
        return None
    lines = [_line(budget) for budget in with_spending(Budget.objects.filter(is_enabled=True))]
    may_add = request.user.has_perm("llmconfig.add_budget")
    return Widget(
        "nodewise/widgets/budgets.html",
        {
            "lines": sorted(lines, key=lambda line: -line.share)[:BUDGETS_SHOWN],
            "list_url": reverse("admin:llmconfig_budget_changelist"),
            "add_url": reverse("admin:llmconfig_budget_add") if may_add else "",
        },
        width=12,
    )


def _line(budget: Budget) -> BudgetLine:
    seen = outlook(budget)
    soft = budget.soft_limit_usd is not None and seen.spent_usd >= budget.soft_limit_usd
    left = (
        gettext("{money} left, {until}").format(money=money(seen.left_usd), until=until(seen))
        if seen.left_usd
        else until(seen)
    )
    fill = "nw-fill-warning" if soft or (seen.runs_out_at and seen.renews_at) else "nw-fill"
    return BudgetLine(
        budget.name,
        gettext("{spent} of {limit}").format(
            spent=money(seen.spent_usd), limit=money(seen.limit_usd)
        ),
        reverse("admin:llmconfig_budget_change", args=[budget.pk]),
        seen.share,
        "; ".join(filter(None, (left, and_unpriced(seen)))),
        fill if seen.left_usd else "nw-fill-danger",
    )


def and_unpriced(seen: Outlook) -> str:
    """What the sum leaves out, in words; blank if nothing."""
    if not seen.unpriced_calls:
        return ""
    return ngettext(
        "and {number} unpriced call", "and {number} unpriced calls", seen.unpriced_calls
    ).format(number=count(seen.unpriced_calls))


def until(seen: Outlook) -> str:
    """How long the rest lasts, in words."""
    if not seen.left_usd:
        if not seen.renews_at:
            return gettext("spent")
        return gettext("spent, resets on {day}").format(day=_day(seen.renews_at))
    if seen.runs_out_at is not None:
        return gettext("spent on {day} at this rate").format(day=_day(seen.runs_out_at))
    if seen.early:
        return gettext("too early to tell")
    if not seen.spent_usd:
        return gettext("nothing spent")
    return (
        gettext("enough until {day}").format(day=_day(seen.renews_at))
        if seen.renews_at
        else gettext("enough for over a year")
    )


def _day(moment: dt.datetime) -> str:
    """The day, and the hour of those that are near; UTC."""
    near = moment - timezone.now() < dt.timedelta(days=1)
    moment = moment.astimezone(dt.UTC)
    return date_format(moment, "SHORT_DATETIME_FORMAT" if near else "SHORT_DATE_FORMAT")


@admin.register(Budget)
class BudgetAdmin(RevisionedAdmin):
    """What some calls may cost in a period."""

    form = BudgetForm
    list_display = ("name", "counts", "period", "spent", "left", "lasts", "soft", "hard", "state")
    list_filter = ("scope", "period", "is_enabled")
    search_fields = ("name", "scope_value")
    readonly_fields = ("spent", "left", "lasts")
    fieldsets = (
        (None, {"fields": ("name", "is_enabled", "applies_to", "scope_value", "period")}),
        (
            _("Limits"),
            {
                "fields": ("soft_limit_usd", "hard_limit_usd", "allow_unpriced"),
                "description": _(
                    "Each call reserves its maximum cost first; the actual cost replaces"
                    " it afterwards."
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the period that runs now has cost."""
        return with_spending(super().get_queryset(request))

    @admin.display(description=_("Applies to"), ordering="scope")
    def counts(self, budget: Budget) -> str | SafeString:
        label = budget.get_scope_display()
        if not budget.scope_value:
            return label
        return format_html("{}: <code>{}</code>", label, budget.scope_value)

    def get_fieldsets(self, request: HttpRequest, obj: Budget | None = None) -> Any:
        """A budget that is there tells what its period has cost."""
        fieldsets = super().get_fieldsets(request, obj)
        period = (gettext("This period"), {"fields": ("spent", "left", "lasts")})
        return fieldsets if obj is None else (*fieldsets, period)

    @admin.display(description=_("Spent"))
    def spent(self, budget: Any) -> str:
        """In the period that runs now, and what isn't in the sum."""
        dollars = _dollars(budget.spent_now or Decimal(0))
        return f"{dollars} {and_unpriced(outlook(budget))}".strip()

    @admin.display(description=_("Remaining"))
    def left(self, budget: Budget) -> str:
        """Up to the hard limit, else the soft one."""
        return _dollars(outlook(budget).left_usd)

    @admin.display(description=_("Runs out"))
    def lasts(self, budget: Budget) -> str:
        """Until when, at the rate of its period so far."""
        return until(outlook(budget))

    @admin.display(description=_("Soft limit"), ordering="soft_limit_usd")
    def soft(self, budget: Budget) -> str | SafeString:
        """Where calls turn to the cheaper model."""
        return NOTHING if budget.soft_limit_usd is None else _dollars(budget.soft_limit_usd)

    @admin.display(description=_("Hard limit"), ordering="hard_limit_usd")
    def hard(self, budget: Budget) -> str | SafeString:
        return NOTHING if budget.hard_limit_usd is None else _dollars(budget.hard_limit_usd)

    @admin.display(description=_("State"))
    def state(self, budget: Any) -> SafeString:
        spent = budget.spent_now or Decimal(0)
        if not budget.is_enabled:
            return badge(gettext("off"))
        if budget.hard_limit_usd is not None and spent >= budget.hard_limit_usd:
            return badge(gettext("spent"), "danger")
        if budget.soft_limit_usd is not None and spent >= budget.soft_limit_usd:
            return badge(gettext("cheaper models"), "warning")
        return badge(gettext("open"), "good")


@admin.register(BudgetSpending)
class BudgetSpendingAdmin(ReadOnlyAdmin):
    """The ledger: what each budget's calls have cost, period by period."""

    list_display = ("budget", "period_start", "spent_usd", "unpriced_calls", "updated_at")
    list_filter = ("budget",)
    list_select_related = ("budget",)
    date_hierarchy = "period_start"


@admin.register(BudgetHold)
class BudgetHoldAdmin(ReadOnlyAdmin):
    """What calls under way may still cost, by process."""

    list_display = ("spending", "held_usd", "expires_at", "holder")
    list_select_related = ("spending__budget",)


def _dollars(amount: Decimal) -> str:
    return dollars(amount, 4)


register_widget(budgets_widget, rank=9)
