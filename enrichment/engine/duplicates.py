"""Rows that would make the same call as another one: the call is made once, and written to all.

The row that is sent has the call's record and cost; the others have its value at no cost, and name
the same call.
"""

from collections.abc import Hashable, Iterable, Sequence

from enrichment.engine.claims import Claim
from enrichment.engine.items import NOTHING, Item, Outcome, restored
from llmconfig.runtime.records import replace
from metrics.recording import NO_RESULTS


def alike(item: Item) -> Hashable:
    """What two rows have in common that make the same call, and are judged by the same."""
    return (
        item.variant,
        item.input_hash,
        item.prompt.version if item.prompt else None,
        item.organization_id,
        tuple(sorted(item.values.items())),
        tuple((each.key, each.row_hash) for each in item.asks),
    )


def told_apart(items: Iterable[Item]) -> tuple[list[Item], dict[str, list[Item]]]:
    """The items that make calls of their own, and by the row of each those that share its call."""
    firsts: dict[Hashable, Item] = {}
    shared: dict[str, list[Item]] = {}
    for item in items:
        first = firsts.setdefault(alike(item), item)
        if first is not item:
            shared.setdefault(first.row_id, []).append(item)
    return list(firsts.values()), shared


def shared_outcome(outcome: Outcome, item: Item) -> Outcome:
    """The same outcome for a row that shares the call."""
    return replace(
        outcome,
        item=replace(item, prompt=outcome.item.prompt, facts=outcome.item.facts, asks=()),
        record=None,
        texts=None,
        check_results=NO_RESULTS,
        answered_by=outcome.record or outcome.answered_by,
        decided=None,
        paid_before=NOTHING,
        beside=(),
    )


class SharedCalls:
    """Which rows of a lane's chunks share the calls of others."""

    def __init__(self) -> None:
        self._by_chunk: dict[int, dict[str, list[Item]]] = {}

    def told_apart(self, chunk_id: int, items: Sequence[Item]) -> list[Item]:
        """The items of a chunk that are to be sent; remembers the others."""
        first, self._by_chunk[chunk_id] = told_apart(items)
        return first

    def is_shared(self, chunk_id: int, row_id: str) -> bool:
        """Whether other rows of the chunk share this one's call."""
        return row_id in self._by_chunk.get(chunk_id, ())

    def with_shared(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """The outcomes, each followed by those of the rows that share its call."""
        found: list[Outcome] = []
        for outcome in outcomes:
            claim = outcome.item.claim
            rows = self._by_chunk.get(claim.chunk_id, {}) if claim is not None else {}
            found.append(outcome)
            if not outcome.unfinished:
                rows_of = rows.get(outcome.item.row_id, ())
                found += [shared_outcome(outcome, item) for item in rows_of]
        return found

    def forget(self, chunk_ids: Iterable[int]) -> None:
        """These chunks are done with."""
        for each in chunk_ids:
            self._by_chunk.pop(each, None)


def answered_already(claim: Claim, items: Sequence[Item]) -> list[Outcome]:
    """What needs no call: answers that another lane was given, rows that share them, and rows that
    get none.
    """
    kept = {each.row_id: each for each in claim.kept if not each.unfinished}
    known = [restored(item, kept[item.row_id]) for item in items if item.row_id in kept]
    answers = {alike(each.item): each for each in known if each.record is not None}
    for item in items:
        if item.row_id in kept:
            continue
        if item.settled is not None:
            known.append(Outcome(item, item.settled, reason=item.reason))
        elif answers and alike(item) in answers:
            known.append(shared_outcome(answers[alike(item)], item))
    return known
