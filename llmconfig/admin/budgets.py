"""Budgets, with what has been spent of each."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Q, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from llmconfig.admin.presentation import NOTHING, badge
from llmconfig.admin.writes import ReadOnlyAdmin, RevisionedAdmin
from llmconfig.budgets import THE_BEGINNING
from llmconfig.models import Budget, BudgetHold, BudgetPeriod, BudgetSpending


@admin.register(Budget)
class BudgetAdmin(RevisionedAdmin):
    """What some calls may cost in a period."""

    list_display = ("name", "counts", "period", "spent", "soft", "hard", "state")
    list_filter = ("scope", "period", "is_enabled")
    search_fields = ("name", "scope_value")
    fieldsets = (
        (None, {"fields": ("name", "is_enabled", "scope", "scope_value", "period")}),
        (
            "Limits",
            {
                "fields": ("soft_limit_usd", "hard_limit_usd", "allow_unpriced"),
                "description": "Before each call its worst case is held; when it has ended, what it"
                " really cost is counted.",
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the period that runs now has cost."""
        today = timezone.now().astimezone(dt.UTC).date()
        now = (
            Q(budget__period=BudgetPeriod.DAY, period_start=today)
            | Q(budget__period=BudgetPeriod.MONTH, period_start=today.replace(day=1))
            | Q(budget__period=BudgetPeriod.TOTAL, period_start=THE_BEGINNING)
        )
        running = BudgetSpending.objects.filter(now, budget=OuterRef("pk")).values("spent_usd")
        return super().get_queryset(request).annotate(spent_now=Subquery(running))

    @admin.display(description="Counts", ordering="scope")
    def counts(self, budget: Budget) -> str | SafeString:
        """Which calls."""
        label = budget.get_scope_display()
        if not budget.scope_value:
            return label
        return format_html("{}: <code>{}</code>", label, budget.scope_value)

    @admin.display(description="Spent")
    def spent(self, budget: Any) -> str:
        """In the period that runs now."""
        return _dollars(budget.spent_now or Decimal(0))

    @admin.display(description="Soft limit", ordering="soft_limit_usd")
    def soft(self, budget: Budget) -> str | SafeString:
        """Where calls turn to the cheaper model."""
        return NOTHING if budget.soft_limit_usd is None else _dollars(budget.soft_limit_usd)

    @admin.display(description="Hard limit", ordering="hard_limit_usd")
    def hard(self, budget: Budget) -> str | SafeString:
        """Where calls end."""
        return NOTHING if budget.hard_limit_usd is None else _dollars(budget.hard_limit_usd)

    @admin.display(description="State")
    def state(self, budget: Any) -> SafeString:
        """Where it stands."""
        spent = budget.spent_now or Decimal(0)
        if not budget.is_enabled:
            return badge("off")
        if budget.hard_limit_usd is not None and spent >= budget.hard_limit_usd:
            return badge("spent", "danger")
        if budget.soft_limit_usd is not None and spent >= budget.soft_limit_usd:
            return badge("cheaper models", "warning")
        return badge("open", "good")


@admin.register(BudgetSpending)
class BudgetSpendingAdmin(ReadOnlyAdmin):
    """The ledger: what each budget's calls have cost, period by period."""

    list_display = ("budget", "period_start", "spent_usd", "updated_at")
    list_filter = ("budget",)
    list_select_related = ("budget",)
    date_hierarchy = "period_start"


@admin.register(BudgetHold)
class BudgetHoldAdmin(ReadOnlyAdmin):
    """What calls under way may still cost, by process."""

    list_display = ("spending", "held_usd", "expires_at", "holder")
    list_select_related = ("spending__budget",)


def _dollars(amount: Decimal) -> str:
    return f"${amount:,.4f}"
