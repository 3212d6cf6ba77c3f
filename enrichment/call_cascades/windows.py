"""What a node's single calls have taught, in windows of WINDOW calls, merged at each call.

Callers don't wait for each other, so a cheap answer may be given while an earlier audit is still
under way. Until its answer is there, such an audit counts as an error that was caught: so no cheap
answer is kept that would have been refused by what comes out later, and the promise holds as it
does for batches. An audit whose process died stays one.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from uuid import UUID, uuid4

from django.db import close_old_connections, transaction
from msgspec import Struct

from enrichment.cascades.promise import catches_borne, errors_borne
from enrichment.cascades.steering import (
    ENDED,
    CascadeState,
    CascadeTerms,
    Decided,
    Way,
    from_json,
    settle,
    to_json,
)
from enrichment.models import CallCascade
from llmconfig.configuration.facts import CascadeFacts
from llmconfig.runtime.records import replace

WINDOW = 2_000  # calls of a node for which a promise is made
AUDIT_SECONDS = 900.0  # after which an audit without an answer counts as an error for good


class CallDecision(Struct, frozen=True):
    """Whose answer a call gets; `audit` is the audit's own id."""

    way: Way
    audit: UUID | None = None


def look(node: str, facts: CascadeFacts, *, price: float, passed: int = 0) -> CascadeState:
    """The node's window now; `passed` calls went to the own model since its cascade ended."""
    with _window(node, facts, price) as window:
        if window.state.phase in ENDED:
            window.state = replace(window.state, settled=window.state.settled + passed)
            window.begin_next()
        return window.state


def decide(node: str, facts: CascadeFacts, *, price: float, score: float) -> CallDecision:
    """Whose answer the call behind a cheap answer gets; a kept one is counted."""
    with _window(node, facts, price) as window:
        way = window.state.way(score, Random())  # noqa: S311 - chance, no secret
        if way is Way.AUDIT:
            return CallDecision(way, window.begin_audit(score))
        if way is Way.CHEAP and not window.keeps(Decided(score, way, model=facts.model)):
            way = Way.DEAR
        return CallDecision(way)


def learn(
    node: str, facts: CascadeFacts, decided: Decided, *, price: float, audit: UUID | None = None
) -> None:
    """Merge what the dear model's answer has shown of a cheap one."""
    with _window(node, facts, price) as window:
        if audit is None or window.end_audit(audit):
            window.settle(decided)


@contextmanager
def _window(node: str, facts: CascadeFacts, price: float) -> "Iterator[_Window]":
    """The node's window under its row's lock, from its reading to its writing."""
    close_old_connections()  # no request begins or ends in this thread
    with transaction.atomic():
        terms = terms_in_words(facts)
        fresh: dict[str, Any] = {"terms": terms, "state": to_json(CascadeState.begin(WINDOW))}
        CallCascade.objects.get_or_create(node=node, defaults=fresh)
        row = CallCascade.objects.select_for_update().get(node=node)
        if row.terms != terms:  # another cascade: what was learned is of the old one
            row.audits, row.window = [], row.window + 1
            row.terms, row.state = terms, fresh["state"]
        window = _Window(row, facts, price)
        window.expire()
        yield window
        window.begin_next()
        row.state = to_json(window.state)
        row.save()


class _Window:
    """What may be done with a window while its row is locked."""

    def __init__(self, row: CallCascade, facts: CascadeFacts, price: float) -> None:
        self._row, self._model = row, facts.model
        self._terms = CascadeTerms(facts.target, facts.audits, facts.miss, price)
        self.state = from_json(row.state)

    def keeps(self, cheap: Decided) -> bool:
        """Count a good cheap answer, if it may be kept."""
        state = self.state
        borne = catches_borne(
            errors_borne(state.rows, self._terms.target), state.share, self._terms.failure
        )
        if state.caught + len(self._row.audits) >= borne:
            return False  # an audit under way may be the one too many
        self.state, keeps = settle(state, [cheap], self._terms)
        self._row.kept += keeps
        return keeps

    def settle(self, decided: Decided) -> None:
        """Count a cheap answer that the dear model's stands beside."""
        self.state, _ = settle(self.state, [decided], self._terms)
        if decided.way is Way.AUDIT:
            self._row.audited += 1
            self._row.caught += decided.agrees is False

    def begin_audit(self, score: float) -> UUID:
        """Note an audit under way."""
        audit = uuid4()
        self._row.audits = [*self._row.audits, [str(audit), time.time(), score]]
        return audit

    def end_audit(self, audit: UUID) -> bool:
        """Whether it was still awaited; others count as errors by now."""
        left = [each for each in self._row.audits if each[0] != str(audit)]
        was_there = len(left) < len(self._row.audits)
        self._row.audits = left
        return was_there

    def begin_next(self) -> None:
        """Go on with the next window where this one is over, with what it knew of the models."""
        if self.state.settled < self.state.rows:
            return
        fresh = CascadeState.begin(WINDOW)
        if self.state.phase not in ENDED:
            fresh = replace(fresh, older=self.state.older + self.state.newer)
            fresh, _ = settle(fresh, [], self._terms)
        self.state = fresh
        self._row.window += 1

    def expire(self) -> None:
        """Count audits whose answers never came."""
        now = time.time()
        for audit, began, score in list(self._row.audits):
            if now - began > AUDIT_SECONDS and self.end_audit(UUID(audit)):
                self.settle(Decided(score, Way.AUDIT, agrees=False, model=self._model))


def terms_in_words(facts: CascadeFacts) -> str:
    """What tells one cascade from another."""
    return f"{facts.model} {facts.score} {facts.target:g} {facts.miss:g} {facts.audits:g}"
