"""All that is wrong with the configuration, as `llm_validate` and the admin's page tell it."""

import time
from collections.abc import Iterator

from django.db.models import Model
from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.configuration import snapshot
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.diagnostics.validation import ValidationResult, arm_findings, findings, unpriced
from llmconfig.models import (
    Budget,
    BudgetScope,
    GlobalConfig,
    NodeConfiguration,
    Provider,
    ProviderModel,
)

REMEMBERED_SECONDS = 30.0


class ConfigurationProblem(Struct, frozen=True):
    """One thing to put right. `row` is where that is done, None where no row is at fault.

    `is_serious`: calls fail, or go elsewhere than a person wrote.
    """

    subject: str
    text: str
    row: Model | None = None
    is_serious: bool = True


def problems(state: Snapshot) -> list[ConfigurationProblem]:
    """What can't be served as it is configured, budgets that match nothing, unknown prices.

    Calls nobody.
    """
    return [*_unserved(state), *_idle_budgets(state), *_unpriced(state)]


_counted: dict[str, tuple[Snapshot, float, int]] = {}


def count_serious() -> int:
    """How many serious ones there are, as of some seconds ago at most, for every page's sidebar."""
    state = snapshot.current()
    known = _counted.get("known")
    if known and known[0] is state and time.monotonic() - known[1] < REMEMBERED_SECONDS:
        return known[2]
    unserved = sum(not each.valid for each in [*findings(state), *arm_findings(state)])
    number = unserved + len(list(_idle_budgets(state)))
    _counted["known"] = state, time.monotonic(), number
    return number


def _unserved(state: Snapshot) -> Iterator[ConfigurationProblem]:
    for each in [*findings(state), *arm_findings(state)]:
        if not each.valid:
            text = " ".join(dict.fromkeys(each.problems or each.warnings))
            yield ConfigurationProblem(each.subject, text, _row_of(each))


def _row_of(result: ValidationResult) -> Model | None:
    if result.kind == "node":
        return NodeConfiguration.objects.filter(node_name=result.name).first()
    return GlobalConfig.objects.filter(interaction_type=result.name).first()


def _idle_budgets(state: Snapshot) -> Iterator[ConfigurationProblem]:
    known = {BudgetScope.PROVIDER: state.providers, BudgetScope.NODE: state.nodes}
    for budget in Budget.objects.filter(scope__in=list(known)):
        scope = BudgetScope(budget.scope)
        if budget.scope_value not in known[scope]:
            text = (
                gettext("There is no provider {name!r}, so it counts nothing.")
                if scope == BudgetScope.PROVIDER
                else gettext("There is no node {name!r}, so it counts nothing.")
            )
            yield ConfigurationProblem(
                gettext("budget {name}").format(name=budget.name),
                text.format(name=budget.scope_value),
                budget,
            )


def _unpriced(state: Snapshot) -> Iterator[ConfigurationProblem]:
    for name in unpriced(state):
        provider, _, model_id = name.partition("/")
        row: Model | None = ProviderModel.objects.filter(
            provider__name=provider, model_id=model_id
        ).first()
        yield ConfigurationProblem(
            gettext("model {name}").format(name=name),
            gettext("Its price is unknown: costs stay unknown, and no budget can count it."),
            row or Provider.objects.filter(name=provider).first(),
            is_serious=False,
        )
