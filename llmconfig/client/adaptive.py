"""How many calls a provider bears at a time, found by this process on its own.

A refusal for load (429, 503, 529, a timeout) says that what is still under way was enough; answers
that take several times as long as they did say that more is too much. Quiet lets the bound grow.
Each process finds its own share, as TCP's senders do, so that this costs no message to anybody.
"""

import math
from collections.abc import Hashable

OVERLOADED = frozenset({"http_429", "http_503", "http_529", "timeout"})
# A stray refusal in a hundred is no sign of load: the bound moves at several within 50 calls.
WEIGHT = 1 / 50
TOO_MANY = 0.07
# Answers of one kind that take this many times their best are waiting in a queue.
INFLATED = 3.0
BASELINE_DRIFT = 1.0005  # per answer, or one lucky answer would be the measure for ever
QUICK_SECONDS = 0.5  # an answer within this is in nobody's way, however much faster others were
MOST_KINDS = 1000
GROW_AFTER_SECONDS = 1.0
LONGEST_QUIET_SECONDS = 30.0
FEWEST_WORDS = 16  # below this an answer's length says nothing about its time


class Concurrency:
    """The bound of one provider in one process; `limit` is infinite until it proves too weak."""

    __slots__ = (
        "_baselines",
        "_changed_at",
        "_inflation",
        "_quiet_s",
        "_refused",
        "_since_cut",
        "limit",
    )

    def __init__(self) -> None:
        self.limit = math.inf
        self._refused = 0.0  # share of calls refused for load, lately
        self._inflation = 1.0  # of answers' times, lately
        self._baselines: dict[Hashable, float] = {}
        self._changed_at = 0.0
        self._quiet_s = GROW_AFTER_SECONDS
        self._since_cut = 0

    def refused(self, *, others: int, now: float) -> None:
        """A call was refused for load while `others` were still under way.

        A wave of refusals brings the bound down to what the provider took, one by one.
        """
        self._refused += (1 - self._refused) * WEIGHT
        if self._refused < TOO_MANY:
            return
        if math.isfinite(self.limit) and now - self._changed_at > GROW_AFTER_SECONDS:
            # It had settled: each step beyond what is borne is tried more rarely.
            self._quiet_s = min(self._quiet_s * 2, LONGEST_QUIET_SECONDS)
        self.limit = max(1, min(self.limit, others))
        self._changed_at = now

    def answered(
        self, kind: Hashable, *, seconds: float, words: int, under_way: int, now: float
    ) -> None:
        """A call was answered, with `words` tokens, while `under_way` were, itself included.

        `kind` is what makes answers comparable: node and model.
        """
        self._refused -= self._refused * WEIGHT
        pace = seconds / max(words, FEWEST_WORDS)
        best = self._baselines.get(kind)
        if best is None or pace < best:
            if len(self._baselines) >= MOST_KINDS:
                self._baselines.clear()
            best = pace
        self._baselines[kind] = best * BASELINE_DRIFT
        ratio = pace / best if seconds > QUICK_SECONDS and best > 0 else 1.0
        self._inflation += (ratio - self._inflation) * WEIGHT
        self._since_cut += 1
        if self._inflation > INFLATED:
            self._cut(under_way, now)
        elif under_way >= self.limit and now - self._changed_at >= self._quiet_s:
            self._grow(now)

    def _cut(self, under_way: int, now: float) -> None:
        """A tenth less, and not again before answers have come that were sent after it."""
        if under_way <= 1 or self._since_cut < 2 * under_way:
            return
        self.limit = max(1, math.floor(min(self.limit, under_way) * 0.9))
        self._since_cut = 0
        self._changed_at = now

    def _grow(self, now: float) -> None:
        """One more, or a tenth; sooner again if that goes well."""
        if self._refused >= TOO_MANY / 2:
            return
        self.limit += max(1, self.limit // 10)
        self._quiet_s = max(GROW_AFTER_SECONDS, self._quiet_s / 1.5)
        self._changed_at = now
