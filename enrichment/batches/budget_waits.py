"""Batches that a spent budget paused: until when they wait, and which have waited long enough."""

from django.utils import timezone

from enrichment.models import Batch, BatchStatus
from llmconfig.client.traffic.budget_outlook import outlook, with_spending
from llmconfig.client.types import BudgetShortage
from llmconfig.models import Budget


def until_when(shortage: BudgetShortage) -> str:
    """A sentence that says when a batch goes on by itself."""
    budget = with_spending(Budget.objects.filter(pk=shortage.budget_id)).first()
    renews = None if budget is None else outlook(budget).renews_at
    if renews is None:
        return "The batch goes on by itself when the limit is raised."
    return (
        "The batch goes on by itself when the limit is raised, or in the budget's next period, from"
        f" {timezone.localtime(renews):%Y-%m-%d %H:%M %Z} on."
    )


def have_room() -> list[Batch]:
    """The batches whose budget has room for a call again, those of high priority first.

    A budget that is gone, switched off or without a hard limit forbids nothing.
    """
    waiting = Batch.objects.filter(status=BatchStatus.PAUSED, awaits_budget__isnull=False)
    batches = list(waiting.order_by("-priority", "created_at"))
    if not batches:
        return []
    limiting = Budget.objects.filter(is_enabled=True, hard_limit_usd__isnull=False)
    asked = limiting.filter(pk__in={each.awaits_budget for each in batches})
    left = {budget.pk: outlook(budget).left_usd for budget in with_spending(asked)}
    return [
        each
        for each in batches
        if each.awaits_budget not in left or left[each.awaits_budget] >= (each.awaits_usd or 0)
    ]
