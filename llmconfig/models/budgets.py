"""What may be spent, and what has been."""

import uuid

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from llmconfig.models.synced import synced_values_field


class BudgetScope(models.TextChoices):
    """Which calls a budget counts: all, or those of one provider, node or label."""

    EVERYTHING = "everything", _("Everything")
    PROVIDER = "provider", _("A provider")
    NODE = "node", _("A node")
    ORGANIZATION = "organization", _("An organization")
    BATCH = "batch", _("A batch or conversation")
    ACCOUNT = "account", _("A caller's account, such as an API key")


class BudgetPeriod(models.TextChoices):
    """When a budget starts anew, in UTC."""

    DAY = "day", _("Each day")
    MONTH = "month", _("Each month")
    TOTAL = "total", _("Never")


class Budget(models.Model):
    """What some calls may cost in a period."""

    name = models.CharField(
        max_length=100, unique=True, help_text=_("Shown in lists and error messages.")
    )
    scope = models.CharField(
        max_length=20,
        choices=BudgetScope,
        default=BudgetScope.EVERYTHING,
        help_text=_("Which calls count."),
    )
    scope_value = models.CharField(
        max_length=100,
        blank=True,
        help_text=_(
            "The provider's or node's name, the organization's id, the batch's id or the"
            " account. Blank for everything."
        ),
    )
    period = models.CharField(
        max_length=10,
        choices=BudgetPeriod,
        default=BudgetPeriod.MONTH,
        help_text=_("When spending resets (UTC)."),
    )
    soft_limit_usd = models.DecimalField(
        max_digits=14,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("Above this, calls use their interaction type's cheaper model. Blank: never."),
    )
    hard_limit_usd = models.DecimalField(
        max_digits=14,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("Calls that could exceed this are refused. Blank: never."),
    )
    allow_unpriced = models.BooleanField(
        default=False,
        help_text=_(
            "Allow models without a known price under the hard limit; their calls don't count."
        ),
    )
    is_enabled = models.BooleanField(
        default=True, help_text=_("Off: the budget neither counts nor refuses.")
    )
    synced_values = synced_values_field()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "llm_budgets"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="llm_budgets_scope_value",
                condition=Q(scope="everything", scope_value="")
                | (~Q(scope="everything") & ~Q(scope_value="")),
                violation_error_message=_(
                    "Choose which one it applies to; leave it blank for everything."
                ),
            ),
            models.CheckConstraint(
                name="llm_budgets_some_limit",
                condition=Q(soft_limit_usd__isnull=False) | Q(hard_limit_usd__isnull=False),
                violation_error_message=_("Give a soft or a hard limit."),
            ),
            models.CheckConstraint(
                name="llm_budgets_limits_in_order",
                condition=(
                    (Q(soft_limit_usd__isnull=True) | Q(soft_limit_usd__gte=0))
                    & (Q(hard_limit_usd__isnull=True) | Q(hard_limit_usd__gte=0))
                    & (
                        Q(soft_limit_usd__isnull=True)
                        | Q(hard_limit_usd__isnull=True)
                        | Q(soft_limit_usd__lte=F("hard_limit_usd"))
                    )
                ),
                violation_error_message=_(
                    "The soft limit is not above the hard one, and neither is negative."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BudgetSpending(models.Model):
    """What a budget's calls have cost in one period; its row's lock orders all reservations."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="spending")
    period_start = models.DateField()
    spent_usd = models.DecimalField(max_digits=20, decimal_places=10, default=0)
    unpriced_calls = models.PositiveIntegerField(
        db_default=0, help_text=_("Calls that are not counted because their price is unknown.")
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "llm_budget_ledger"
        ordering = ["-period_start", "budget"]
        verbose_name_plural = _("budget spending")
        constraints = [
            models.UniqueConstraint(
                name="llm_budget_ledger_unique", fields=["budget", "period_start"]
            ),
            models.CheckConstraint(
                name="llm_budget_ledger_not_negative", condition=Q(spent_usd__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.budget} from {self.period_start}"


class BudgetHold(models.Model):
    """What one process's calls under way may still cost; worth nothing once it has expired."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    spending = models.ForeignKey(BudgetSpending, on_delete=models.CASCADE, related_name="holds")
    holder = models.UUIDField()
    held_usd = models.DecimalField(max_digits=20, decimal_places=10)
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "llm_budget_holds"
        constraints = [
            models.UniqueConstraint(name="llm_budget_holds_unique", fields=["spending", "holder"]),
            models.CheckConstraint(
                name="llm_budget_holds_not_negative", condition=Q(held_usd__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.held_usd} until {self.expires_at}"
