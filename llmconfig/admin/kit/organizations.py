"""Organizations that forms offer for choice: an app knows their numbers and names."""

from collections.abc import Callable, Iterable

MAX_OFFERED = 500  # of each app; further ones are typed

Lister = Callable[[int], Iterable[tuple[int, str]]]
_LISTERS: list[Lister] = []


def register_organizations(lister: Lister) -> None:
    """Offer what `lister(limit)` gives: number and name of the first organizations, by name."""
    if lister not in _LISTERS:
        _LISTERS.append(lister)


def offered() -> list[tuple[str, str]]:
    """Number and name of those that any app has."""
    return [(str(number), name) for lister in _LISTERS for number, name in lister(MAX_OFFERED)]
