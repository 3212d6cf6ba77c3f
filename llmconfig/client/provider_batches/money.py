"""What a provider's batch may cost is held in the budgets before it is handed over, and settled."""

from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from llmconfig.client.pipeline.token_estimates import most_used
from llmconfig.client.traffic import budget_ledger, budget_scopes
from llmconfig.client.traffic.admission import budgets_of, worst_case
from llmconfig.client.traffic.budget_ledger import BudgetAnswer, BudgetVerdict
from llmconfig.client.types import Call
from llmconfig.configuration import prices
from llmconfig.configuration.facts import BudgetFacts
from llmconfig.configuration.prices import BATCH
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.runtime import database_clock
from llmconfig.runtime.records import replace


def most(
    call: Call, target: Target, *, answer_tokens: int | None = None, at_batch_price: bool = True
) -> Decimal | None:
    """What a call may cost at most, US dollars; None without a known price.

    `answer_tokens` is how long its answer may be, None for as long as the model may answer.
    """
    used = most_used(target, call)
    if answer_tokens is not None:
        used = replace(used, output=min(used.output, answer_tokens))
    return worst_case(target, used, call, service_tier=BATCH if at_batch_price else "")


def assumes_half(target: Target) -> bool:
    """Whether its calls have a price, but none for batches: then half of it is assumed."""
    model = target.candidate.model
    price = None if model is None else prices.price_at(model.prices, database_clock.now())
    return price is not None and BATCH not in price.tiers


def commit(
    calls: Iterable[Call],
    target: Target,
    configuration: Snapshot,
    *,
    holder: UUID,
    at_batch_price: bool = True,
) -> BudgetAnswer:
    """Hold the calls' worst case, all or nothing, in the caller's transaction.

    Refused where a hard limit could be passed; waits where only what is held stands in the way.
    Without budgets the calls aren't looked at, so they may be made as they are asked for.
    """
    if not configuration.budgets:
        return budget_ledger.GRANTED
    amounts: dict[BudgetFacts, Decimal] = {}
    for call in calls:
        matched = budgets_of(call, target, configuration)
        worst = most(call, target, at_batch_price=at_batch_price) if matched else None
        if worst is None:
            refusal = budget_scopes.unpriced_refusal(matched, target.model_id)
            if refusal:
                return BudgetAnswer(BudgetVerdict.REFUSED, refusal)
            continue
        for budget in matched:
            amounts[budget] = amounts.get(budget, budget_ledger.NOTHING) + worst
    return budget_ledger.commit(amounts, holder=holder) if amounts else budget_ledger.GRANTED


def by_budget(
    costs: Iterable[tuple[Call, Decimal | None]], target: Target, configuration: Snapshot
) -> dict[int, Decimal]:
    """What calls of a batch have cost, US dollars by budget id.

    An answer whose cost nobody knows counts as the most that it can be: it was billed. Where nobody
    knows that either, it is counted as unpriced at once, in the caller's transaction.
    """
    spent: dict[int, Decimal] = {}
    unpriced: dict[BudgetFacts, int] = {}
    for call, cost in costs if configuration.budgets else ():
        known = most(call, target) if cost is None else cost
        for budget in budgets_of(call, target, configuration):
            if known is None:
                unpriced[budget] = unpriced.get(budget, 0) + 1
            else:
                spent[budget.id] = spent.get(budget.id, budget_ledger.NOTHING) + known
    if unpriced:
        budget_ledger.count_unpriced(unpriced)
    return spent
