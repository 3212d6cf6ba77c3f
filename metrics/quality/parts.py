"""What a score is made of."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

PERSON = "person"  # the part that a person gives


class ScorePart(Struct, frozen=True):
    """What one check said: from 0 to 1, whether that lets the answer pass, and its reasons.

    `codes` stand for the reasons in their order, for programs; a check may leave them out.
    """

    check: str
    score: float
    passed: bool
    notes: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


class CheckResults(Struct, frozen=True):
    """What whoever made a call found out about its answer. `syntax_valid` None: not checked."""

    parts: tuple[ScorePart, ...] = ()
    syntax_valid: bool | None = None


def score(parts: Iterable[ScorePart], weights: Mapping[str, float]) -> float | None:
    """The mean of the parts by their weights, 1 where none is given; None when nothing counts.

    A person's part stands for the whole: checks only guess what people think.
    """
    parts = tuple(parts)
    for part in parts:
        if part.check == PERSON:
            return part.score
    total = weight = 0.0
    for part in parts:
        counts = weights.get(part.check, 1.0)
        total += part.score * counts
        weight += counts
    return total / weight if weight else None
