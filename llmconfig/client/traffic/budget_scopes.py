"""Which budgets count a call, and what a budget can be of."""

import re
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter, itemgetter

from msgspec import Struct

from llmconfig.configuration import snapshot
from llmconfig.configuration.facts import BudgetFacts
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import ChangeRefused
from llmconfig.models import BudgetScope, InteractionType

# As calls have them: an id without leading zeros, a UUID in lower case.
WHOLE = re.compile(r"[1-9][0-9]{0,18}")
UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# In a snapshot's memo: its budgets by what they count.
BY_PLACE = ("budgets by place",)
# By a scope's word, a plain one, as Python hashes members of an enumeration slowly; then by what it
# names. Only scopes that have budgets are there, so a call is asked for no others of its labels.
Places = dict[str, dict[str, list[tuple[int, BudgetFacts]]]]
FIRST = itemgetter(0)


class BudgetLabels(Struct, frozen=True):
    """The values of a call by which budgets are matched."""

    provider: str
    node: str
    organization: str = ""
    batch: str = ""
    account: str = ""


# What a call has of each scope.
NAMED_BY: Mapping[str, Callable[[BudgetLabels], str]] = {
    str(BudgetScope.EVERYTHING.value): lambda _: "",
    str(BudgetScope.PROVIDER.value): attrgetter("provider"),
    str(BudgetScope.NODE.value): attrgetter("node"),
    str(BudgetScope.ORGANIZATION.value): attrgetter("organization"),
    str(BudgetScope.BATCH.value): attrgetter("batch"),
    str(BudgetScope.ACCOUNT.value): attrgetter("account"),
}


def matching(configuration: Snapshot, caller: BudgetLabels) -> tuple[BudgetFacts, ...]:
    """The budgets that count a call, in their own order."""
    if not configuration.budgets:
        return ()
    places = configuration.memo.get(BY_PLACE)
    if places is None:
        places = configuration.memo[BY_PLACE] = _by_place(configuration.budgets)
    found: list[tuple[int, BudgetFacts]] = []
    for scope, by_name in places.items():
        found += by_name.get(NAMED_BY[scope](caller), ())
    return tuple(budget for _, budget in sorted(found, key=FIRST)) if found else ()


def _by_place(budgets: Iterable[BudgetFacts]) -> Places:
    """Each budget with its position, by what it counts: one among hundreds is found at once."""
    places: Places = {}
    for at, each in enumerate(budgets):
        names = places.setdefault(str(each.scope), {})
        names.setdefault(each.scope_value, []).append((at, each))
    return places


def unpriced_refusal(budgets: Iterable[BudgetFacts], model: str) -> str:
    """Why a model without a price may not be called, blank if it may."""
    for budget in budgets:
        if budget.hard_limit_usd is not None and not budget.allow_unpriced:
            return (
                f"the budget “{budget.name}” has a hard limit and {model} has no known price: enter"
                " its price, or allow unpriced models in the budget"
            )
    return ""


def check_scope(scope: str, value: str) -> None:
    """Raises ChangeRefused for what no call can have: a budget of it would count nothing.

    Providers and nodes must be there, organizations be numbers and batches whole ids. Accounts are
    the callers' own words.
    """
    state = snapshot.current()
    known: Mapping[str, Iterable[str]] = {
        BudgetScope.PROVIDER: state.providers,
        BudgetScope.NODE: [*state.nodes, *state.interactions, *InteractionType.values],
    }
    if value and scope in known and value not in known[scope]:
        raise ChangeRefused(f"There is no {scope} {value!r}.", field="scope_value")
    if scope == BudgetScope.ORGANIZATION and value and not WHOLE.fullmatch(value):
        raise ChangeRefused("Give the organization's number.", field="scope_value")
    if scope == BudgetScope.BATCH and value and not UUID_FORM.fullmatch(value):
        raise ChangeRefused("Give the batch's whole id, as its page shows it.", field="scope_value")
