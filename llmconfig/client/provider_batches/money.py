"""What a provider's batch may cost is held in the budgets before it is handed over, and settled."""

from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from llmconfig.client.pipeline.token_estimates import most_used
from llmconfig.client.traffic import budgets
from llmconfig.client.traffic.admission import budgets_of, worst_case
from llmconfig.client.traffic.budgets import Answer, Verdict
from llmconfig.client.types import Call
from llmconfig.configuration.prices import at_batch_price
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import BudgetFacts, Snapshot


def commit(
    calls: Iterable[Call], target: Target, configuration: Snapshot, *, holder: UUID
) -> Answer:
    """Hold the calls' worst case at the batch's price, all or nothing, in the caller's transaction.

    Refused where a hard limit could be passed; waits where only what is held stands in the way.
    Without budgets the calls aren't looked at, so they may be made as they are asked for.
    """
    if not configuration.budgets:
        return budgets.GRANTED
    amounts: dict[BudgetFacts, Decimal] = {}
    for call in calls:
        matched = budgets_of(call, target, configuration)
        most = worst_case(target, most_used(target, call)) if matched else None
        if most is None:
            refusal = budgets.unpriced_refusal(matched, target.model_id)
            if refusal:
                return Answer(Verdict.REFUSED, refusal)
            continue
        for budget in matched:
            amounts[budget] = amounts.get(budget, budgets.NOTHING) + at_batch_price(most)
    return budgets.commit(amounts, holder=holder) if amounts else budgets.GRANTED


def settle(
    costs: Iterable[tuple[Call, Decimal]],
    target: Target,
    configuration: Snapshot,
    *,
    holder: UUID,
) -> None:
    """Turn what is held into what the calls cost, US dollars, in the caller's transaction."""
    spent: dict[int, Decimal] = {}
    for call, cost in costs if configuration.budgets else ():
        for budget in budgets_of(call, target, configuration):
            spent[budget.id] = spent.get(budget.id, budgets.NOTHING) + cost
    budgets.settle_commitment(spent, holder=holder)
