"""Budgets: what calls may cost, and what they have."""

import datetime as dt
from decimal import Decimal
from typing import Any, cast

from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Now
from rest_framework import serializers

from llmconfig.api.kit.bodies import StrictModelSerializer
from llmconfig.api.kit.endpoints import ConfigurationList, ConfigurationRow
from llmconfig.client.traffic.budget_ledger import running_now
from llmconfig.client.traffic.budget_outlook import outlook, with_spending
from llmconfig.client.traffic.budget_scopes import check_scope
from llmconfig.models import Budget, BudgetHold, BudgetSpending


class BudgetSerializer(StrictModelSerializer[Budget]):
    """What some calls may cost in a period, in US dollars."""

    spent_usd = serializers.SerializerMethodField(
        help_text="What calls have cost in the period that runs now."
    )
    unpriced_calls = serializers.SerializerMethodField(
        help_text="Calls of that period that are not counted, because their price is unknown."
    )
    held_usd = serializers.SerializerMethodField(
        help_text="What calls under way may cost beyond that."
    )

    left_usd = serializers.SerializerMethodField(
        help_text="Up to the hard limit, or to the soft one where there is no other."
    )
    runs_out_at = serializers.SerializerMethodField(
        help_text="When it is spent if money goes on being spent as in this period so far. Null:"
        " it is spent already, lasts until the period ends, or it is too early to say."
    )

    class Meta:
        model = Budget
        fields = (
            "id", "name", "scope", "scope_value", "period", "soft_limit_usd", "hard_limit_usd",
            "allow_unpriced", "is_enabled", "spent_usd", "unpriced_calls", "held_usd", "left_usd",
            "runs_out_at", "created_at", "updated_at",
        )  # fmt: skip

    def get_spent_usd(self, budget: Budget) -> Decimal:
        """Nothing, for a budget that was made just now."""
        return Decimal(getattr(budget, "spent_now", None) or 0)

    def get_unpriced_calls(self, budget: Budget) -> int:
        return outlook(budget).unpriced_calls

    def get_held_usd(self, budget: Budget) -> Decimal:
        return Decimal(getattr(budget, "held_now", None) or 0)

    def get_left_usd(self, budget: Budget) -> Decimal:
        return outlook(budget).left_usd

    def get_runs_out_at(self, budget: Budget) -> dt.datetime | None:
        return outlook(budget).runs_out_at

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What the budget counts is there; raises ChangeRefused."""
        stored = self.instance or Budget()
        check_scope(attrs.get("scope", stored.scope), attrs.get("scope_value", stored.scope_value))
        return cast("dict[str, Any]", super().validate(attrs))


class WithSpending:
    """Budgets with what has been spent of each."""

    def get_queryset(self) -> Any:
        now = running_now()
        held = (
            BudgetHold.objects.filter(
                spending__in=BudgetSpending.objects.filter(now, budget=OuterRef(OuterRef("pk"))),
                expires_at__gt=Now(),
            )
            .values("spending")
            .annotate(held=Sum("held_usd"))
            .values_list("held")
        )
        rows: Any = super().get_queryset()  # type: ignore[misc]  # of the view beside it
        return with_spending(rows).annotate(held_now=Subquery(held))


class BudgetList(WithSpending, ConfigurationList):
    """What calls may cost: of everything, a provider, node, organization, batch or account."""

    queryset = Budget.objects.all()
    serializer_class = BudgetSerializer
    filterset_fields = ("scope", "scope_value", "period", "is_enabled")
    ordering_fields = ("name", "updated_at")


class BudgetRow(WithSpending, ConfigurationRow):
    """One budget. Removing it forgets what was spent of it, not what calls cost."""

    queryset = Budget.objects.all()
    serializer_class = BudgetSerializer
    lookup_field = "id"
