"""A write that is refused costs the rows that it is refused for, and no other.

What makes a write fail is found by halves, down to single rows. Such a row fails with the true
reason; what its call cost, and what was answered where that can be stored, is kept.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import Error
from msgspec import Struct

from enrichment.engine import writing
from enrichment.engine.claims import Claim
from enrichment.engine.db_sessions import SESSION_ERRORS
from enrichment.engine.items import Outcome
from enrichment.engine.lane_cascade import LaneCascade
from enrichment.enrichments.contract import Enrichment
from enrichment.models import ResultState
from llmconfig.client.recording.recorders import Texts
from llmconfig.runtime.records import replace

logger = logging.getLogger(__name__)

Thing = TypeVar("Thing")

MAX_REASON = 300  # characters of what the database says
NO_TEXTS = Texts("", "")
# SQLSTATEs of OperationalErrors that no session is to blame for: the class "program limit
# exceeded", such as a value too long for an index, and a view that can't be updated.
NOT_THE_SESSION = ("54", "55000")


class Written(Struct, frozen=True):
    """What a write stored, which of the held chunks are still ours, and whether the batch runs."""

    outcomes: list[Outcome]
    ours: frozenset[int]
    running: bool


def by_halves(
    things: Sequence[Thing],
    store: Callable[[Sequence[Thing]], None],
    refused: Callable[[Thing, Exception], None],
) -> None:
    """Store them all, or by halves what can't be stored together; `refused` gets single ones.

    Each `store` is to be one transaction. An error of the session, rather than of what is stored,
    is raised.
    """
    try:
        store(things)
    except Exception as error:
        if not is_refusal(error):
            raise
        if len(things) == 1:
            refused(things[0], error)
            return
        middle = len(things) // 2
        for half in (things[:middle], things[middle:]):
            if half:
                by_halves(half, store, refused)


def is_refusal(error: Exception) -> bool:
    """Whether what was written is to blame, rather than the session, the disk or a lock."""
    if not isinstance(error, SESSION_ERRORS):
        return True
    cause = error.__cause__ or error
    return str(getattr(cause, "sqlstate", None) or "").startswith(NOT_THE_SESSION)


def why(error: Exception) -> str:
    """The reason in a sentence; a database's own words without the row that it quotes."""
    cause = error.__cause__ or error
    said = getattr(getattr(cause, "diag", None), "message_primary", None) or str(error)
    said = said.strip().splitlines()[0].rstrip(".")[:MAX_REASON] if said.strip() else ""
    if isinstance(error, Error):
        return f"The database refuses the value: {said}."
    if isinstance(error, ValidationError):
        return f"The column refuses the value: {' '.join(error.messages)[:MAX_REASON]}"
    return f"The value can't be written: {type(error).__name__}: {said}."


def write(
    enrichment: Enrichment,
    outcomes: Sequence[Outcome],
    *,
    batch_id: UUID,
    held: Iterable[Claim],
    later_rounds: int,
    cascade: LaneCascade | None = None,
) -> Written:
    """`writing.write`, by halves when it is refused; what is refused alone is stored as failed.

    Raises the database's error when not even that can be stored: then it isn't the row.
    """
    claims = list(held)
    stored: list[Outcome] = []
    ours, running = {each.chunk_id for each in claims}, True

    def store(some: Sequence[Outcome]) -> None:
        nonlocal running
        found = writing.write(
            enrichment,
            some,
            batch_id=batch_id,
            held=claims,
            later_rounds=later_rounds,
            cascade=cascade,
        )
        ours.intersection_update(found.ours)
        running = found.running
        stored.extend(some)

    def refused(outcome: Outcome, error: Exception) -> None:
        logger.warning("Batch %s: row %s: %s", batch_id, outcome.item.row_id, why(error))
        store_failed(outcome, error, lambda failed: store([failed]))

    taken = storable(outcomes, lambda each: as_stored(enrichment, each), refused)
    by_halves(taken, store, refused)
    return Written(stored, frozenset(ours), running)


def storable(
    things: Sequence[Thing],
    as_stored: Callable[[Thing], Thing],
    refused: Callable[[Thing, Exception], None],
) -> list[Thing]:
    """The things as their column takes them; `refused` gets those on which `as_stored` raises."""
    taken = []
    for each in things:
        try:
            taken.append(as_stored(each))
        except Exception as error:  # a project's own validator may raise anything
            if not is_refusal(error):
                raise
            refused(each, error)
    return taken


def as_stored(enrichment: Enrichment, outcome: Outcome) -> Outcome:
    """With its value as the column takes it; raises ValidationError where it doesn't."""
    if outcome.state != ResultState.APPLIED:
        return outcome
    value = enrichment.stored(outcome.value)
    return outcome if value is outcome.value else replace(outcome, value=value)


def store_failed(outcome: Outcome, error: Exception, store: Callable[[Outcome], None]) -> None:
    """Store a refused outcome as failed, with as much of it as can be stored.

    Raises the first error when nothing can.
    """
    for failed in _failed(outcome, why(error)):
        try:
            store(failed)
        except Exception as again:
            if not is_refusal(again):
                raise
        else:
            return
    raise error


def _failed(outcome: Outcome, reason: str) -> Iterator[Outcome]:
    with_value = replace(
        outcome,
        state=ResultState.FAILED,
        reason=reason,
        findings=(),
        suggestion=None,
        confidence=None,
        confidence_source="",
        retriable=False,
    )
    yield with_value
    yield replace(with_value, value=None)
    item = replace(outcome.item, facts=())
    yield replace(with_value, value=None, item=item, texts=outcome.texts and NO_TEXTS)
