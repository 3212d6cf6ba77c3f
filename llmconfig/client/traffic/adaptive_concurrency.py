"""How many calls a provider bears at a time, found by this process on its own.

A refusal for load (429, 503, 529, a timeout) says that what is still under way was enough. Answers
that take several times as long as they did may say that more is too much: the bound is cut on
trial, and stays cut only if as many answers come as before, for then the calls had been waiting in
a queue. Quiet lets the bound grow. Each process finds its own share, as TCP's senders do, so that
this costs no message to anybody.
"""

import math
from collections.abc import Hashable

from msgspec import Struct

OVERLOADED = frozenset({"http_429", "http_503", "http_529", "timeout"})
# A stray refusal in a hundred is no sign of load: the bound moves at several within 50 calls.
WEIGHT = 1 / 50
TOO_MANY = 0.07
# Answers of one kind that take this many times their best may be waiting in a queue.
INFLATED = 3.0
BASELINE_DRIFT = 1.0001  # per answer, or one lucky answer would be the measure for ever
QUICK_SECONDS = 0.5  # an answer within this is in nobody's way, however much faster others were
MAX_KINDS = 1000
MIN_WORDS = 16  # below this an answer's length says nothing about its time
# A trial: this much is cut, and undone if more than half of it is missing in answers per second.
CUT = 0.2
MIN_COUNTED = 20
GROW_AFTER_SECONDS = 1.0
MAX_QUIET_SECONDS = 30.0
NEXT_TRIAL_SECONDS = 15.0
MAX_TRUCE_SECONDS = 600.0


class _Trial(Struct):
    """A cut whose effect isn't known yet."""

    limit_before: float
    rate_before: float


class Concurrency:
    """The bound of one provider in one process; `limit` is infinite until it proves too weak."""

    __slots__ = (
        "_baselines",
        "_changed_at",
        "_counted",
        "_counted_since",
        "_inflation",
        "_quiet_s",
        "_refused",
        "_settling",
        "_trial",
        "_truce_s",
        "_truce_until",
        "limit",
    )

    def __init__(self) -> None:
        self.limit = math.inf
        self._refused = 0.0  # share of calls refused for load, lately
        self._inflation = 1.0  # of answers' times, lately
        self._baselines: dict[Hashable, float] = {}
        self._changed_at = 0.0
        self._quiet_s = GROW_AFTER_SECONDS
        self._counted = 0  # answers since then
        self._counted_since: float | None = None
        self._settling = 0  # answers still to come that were sent before the last cut
        self._trial: _Trial | None = None
        self._truce_until = 0.0  # no trial before
        self._truce_s = NEXT_TRIAL_SECONDS

    def refused(self, *, others: int, now: float) -> None:
        """A call was refused for load while `others` were still under way.

        A wave of refusals brings the bound down to what the provider took, one by one.
        """
        self._refused += (1 - self._refused) * WEIGHT
        if self._refused < TOO_MANY:
            return
        if math.isfinite(self.limit) and now - self._changed_at > GROW_AFTER_SECONDS:
            # It had settled: each step beyond what is borne is tried more rarely.
            self._quiet_s = min(self._quiet_s * 2, MAX_QUIET_SECONDS)
        self.limit = max(1, min(self.limit, others))
        self._changed_at = now
        self._count_anew(now)

    def answered(
        self, kind: Hashable, *, seconds: float, words: int, in_flight: int, now: float
    ) -> None:
        """A call was answered, with `words` tokens, while `in_flight` were, itself included.

        `kind` is what makes answers comparable: node and model.
        """
        self._refused -= self._refused * WEIGHT
        self._inflation += (self._ratio(kind, seconds, words) - self._inflation) * WEIGHT
        if self._settling:
            self._settling -= 1
            if not self._settling:
                self._count_anew(now)
            return
        self._counted += 1
        if self._counted >= max(MIN_COUNTED, 2 * in_flight):
            self._look(in_flight, now)
        queueing = self._inflation > INFLATED and now >= self._truce_until
        if self._trial is None and not queueing:
            self._grow(in_flight, now)

    def _ratio(self, kind: Hashable, seconds: float, words: int) -> float:
        """How many times as long as the best of its kind."""
        pace = seconds / max(words, MIN_WORDS)
        best = self._baselines.get(kind)
        if best is None or pace < best:
            if len(self._baselines) >= MAX_KINDS:
                self._baselines.clear()
            best = pace
        self._baselines[kind] = best * BASELINE_DRIFT
        return pace / best if seconds > QUICK_SECONDS and best > 0 else 1.0

    def _look(self, in_flight: int, now: float) -> None:
        """Enough answers were counted to tell how many come per second: judge and try."""
        since = self._counted_since
        rate = self._counted / (now - since) if since is not None and now > since else 0.0
        self._count_anew(now)
        if since is None:
            return
        trial, self._trial = self._trial, None
        if trial is not None and rate < trial.rate_before * (1 - CUT / 2):
            # Fewer come: it wasn't a queue that made them slow.
            self.limit = trial.limit_before
            self._changed_at = now
            self._truce_until = now + self._truce_s
            self._truce_s = min(self._truce_s * 2, MAX_TRUCE_SECONDS)
            return
        if trial is not None:
            self._truce_s = NEXT_TRIAL_SECONDS
        if self._inflation > INFLATED and in_flight > 1 and now >= self._truce_until:
            self._trial = _Trial(self.limit, rate)
            self.limit = max(1, math.floor(min(self.limit, in_flight) * (1 - CUT)))
            self._settling = in_flight
            self._changed_at = now

    def _count_anew(self, now: float) -> None:
        self._counted, self._counted_since = 0, now

    def _grow(self, in_flight: int, now: float) -> None:
        """One more, or a tenth; sooner again if that goes well."""
        if in_flight < self.limit or now - self._changed_at < self._quiet_s:
            return
        if self._refused >= TOO_MANY / 2:
            return
        self.limit += max(1, self.limit // 10)
        self._quiet_s = max(GROW_AFTER_SECONDS, self._quiet_s / 1.5)
        self._changed_at = now
