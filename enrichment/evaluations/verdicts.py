"""What reviewers said of answers, for a judge to be held against."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from enrichment.engine.items import Item, answer_all, load_items
from enrichment.enrichments.contract import Enrichment
from enrichment.models import EnrichmentResult, ResultState

LOOKED_AT = 20  # results for each verdict that is wanted: many rows have changed since


class ReviewersVerdict(Struct, frozen=True):
    """An answer that a reviewer saw, whether they left it as it was, and what they made of it.

    `better` is their own version; None where they rejected the answer or left it.
    """

    item: Item
    seen: Any
    is_good: bool
    better: Any = None


def verdicts_of(enrichment: Enrichment, limit: int) -> list[ReviewersVerdict]:
    """The newest ones on rows that still say what they said then, at most `limit`.

    Half of them at most are good ones as far as there are others: reviewers leave most answers as
    they are, and a judge that calls everything good would look well.
    """
    decided = EnrichmentResult.objects.filter(
        enrichment=enrichment.name, target=enrichment.target, reviewed_at__isnull=False
    ).order_by("-reviewed_at")
    good: list[ReviewersVerdict] = []
    bad: list[ReviewersVerdict] = []
    for result in _with_items(enrichment, list(decided[: LOOKED_AT * limit])):
        verdict = _verdict(enrichment, *result)
        if verdict is not None:
            (good if verdict.is_good else bad).append(verdict)
    bad = bad[: limit - min(len(good), limit // 2)]
    return [*bad, *good[: limit - len(bad)]]


def _with_items(
    enrichment: Enrichment, results: Sequence[EnrichmentResult]
) -> list[tuple[EnrichmentResult, Item]]:
    """Each with its row, if it says the same as when the model answered."""
    found = []
    for variant in {each.variant for each in results}:
        mine = {each.row_id: each for each in results if each.variant == variant}
        items = [
            each
            for each in load_items(enrichment, [*mine], variant=variant)
            if each.settled is None and each.input_hash == mine[each.row_id].input_hash
        ]
        ready = [each for each in answer_all(items) if isinstance(each, Item)]
        found += [(mine[each.row_id], each) for each in ready]
    return sorted(found, key=lambda pair: -pair[0].pk)


def _verdict(
    enrichment: Enrichment, result: EnrichmentResult, item: Item
) -> ReviewersVerdict | None:
    before = result.before_decision or {}
    seen = before.get("suggestion") or before.get("value")
    if seen is None:
        seen = result.value
    if seen is None:
        return None
    if result.state == ResultState.REJECTED:
        return ReviewersVerdict(item, seen, is_good=False)
    if result.state != ResultState.APPLIED:
        return None
    if enrichment.similarity(seen, result.value) >= 1:
        return ReviewersVerdict(item, seen, is_good=True)
    return ReviewersVerdict(item, seen, is_good=False, better=result.value)
