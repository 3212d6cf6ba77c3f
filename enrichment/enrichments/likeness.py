"""How far two values of an enrichment say the same."""

from collections.abc import Mapping
from typing import Any

from enrichment.enrichments.stated_confidence import without_confidence


def alikeness(one: Any, other: Any) -> float:
    """From 0 to 1; 1 alone means that they say the same.

    Texts are the same or not, without case and spacing. Of lists the share of their members that
    both have counts, whatever the order; of objects the mean over the fields of either. How sure an
    answer says to be is no difference.
    """
    return _alike(without_confidence(one), without_confidence(other))


def _alike(one: Any, other: Any) -> float:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        names = one.keys() | other.keys()
        return _mean([_alike(one.get(name), other.get(name)) for name in names])
    if _is_list(one) and _is_list(other):
        mine, its = [_plain(each) for each in one], [_plain(each) for each in other]
        both = sum(min(mine.count(each), its.count(each)) for each in _distinct(mine))
        most = len(mine) + len(its) - both
        return both / most if most else 1.0
    return float(_plain(one) == _plain(other))


def _mean(shares: list[float]) -> float:
    return sum(shares) / len(shares) if shares else 1.0


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _plain(value: Any) -> Any:
    """A value without what makes no difference; lists in lists keep their order."""
    if isinstance(value, str):
        return " ".join(value.casefold().split())
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if _is_list(value) else value


def _distinct(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for each in values:
        if each not in found:
            found.append(each)
    return found
