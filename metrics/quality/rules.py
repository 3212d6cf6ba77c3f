"""The rules in force: kept with the configuration's snapshot, and so no older than a second."""

from collections.abc import Mapping
from typing import Any, cast

from msgspec import Struct, field

from llmconfig.configuration import snapshot
from metrics.models import QualityRule
from metrics.quality import checks

_KEY = "metrics.quality.rules"


class Rule(Struct, frozen=True):
    """One check of an operation's answers."""

    check: str
    weight: float
    schema: Mapping[str, Any] | None


class Rules(Struct):
    """All active rules by operation; blank holds those of operations without their own."""

    by_operation: Mapping[str, tuple[Rule, ...]]
    _weights: dict[str, dict[str, float]] = field(default_factory=dict)
    _slow: dict[str, bool] = field(default_factory=dict)

    def of(self, operation: str) -> tuple[Rule, ...]:
        own = self.by_operation.get(operation)
        return self.by_operation.get("", ()) if own is None else own

    def weights(self, operation: str) -> Mapping[str, float]:
        """How much each check counts there, where that isn't 1."""
        found = self._weights.get(operation)
        if found is None:
            found = {rule.check: rule.weight for rule in self.of(operation)}
            self._weights[operation] = found
        return found

    def slow(self, operation: str) -> bool:
        """Whether any of its checks runs later, over the text."""
        found = self._slow.get(operation)
        if found is None:
            known = (checks.get(rule.check) for rule in self.of(operation))
            found = any(check is not None and check.run is not None for check in known)
            self._slow[operation] = found
        return found


def current() -> Rules:
    """The rules of the snapshot in force; one query for each new snapshot."""
    memo = snapshot.current().memo
    found = memo.get(_KEY)
    if found is None:
        found = memo[_KEY] = _load()
    return cast("Rules", found)


def _load() -> Rules:
    by_operation: dict[str, tuple[Rule, ...]] = {}
    for row in QualityRule.objects.filter(is_active=True):
        rule = Rule(row.check_name, row.weight, row.schema)
        by_operation[row.operation_type] = (*by_operation.get(row.operation_type, ()), rule)
    return Rules(by_operation)
