"""What calls may cost, for a cap: the worst case, or the longest answer that was seen."""

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.utils import timezone

from llmconfig.client.provider_batches import money
from llmconfig.client.types import Call
from llmconfig.configuration.resolution import Target
from metrics.models import GenerationMetric

PAST_CALLS = 500
PAST_DAYS = 30
MIN_PAST_CALLS = 20  # fewer say nothing about the longest answer


def most_of(
    calls: Iterable[Call], target: Target, *, node: str, at_batch_price: bool
) -> list[Decimal] | None:
    """US dollars that each call may cost; None if the model has no known price.

    An answer is taken to be as long as the longest of the node's latest calls by this model, or,
    before there are enough of them, as long as the model may answer.
    """
    longest = _longest_answer(target, node)
    found = []
    for call in calls:
        most = money.most(call, target, answer_tokens=longest, at_batch_price=at_batch_price)
        if most is None:
            return None
        found.append(most)
    return found


def fitting(most: Sequence[Decimal], room: Decimal) -> tuple[int, Decimal]:
    """How many calls from the front surely fit into so many US dollars, and what they hold."""
    fits, held = 0, Decimal(0)
    while fits < len(most) and held + most[fits] <= room:
        held += most[fits]
        fits += 1
    return fits, held


def _longest_answer(target: Target, node: str) -> int | None:
    """Tokens of the longest recent answer; None while there are too few."""
    lengths = (
        GenerationMetric.objects.filter(
            created_at__gte=timezone.now() - dt.timedelta(days=PAST_DAYS),
            method_name=node,
            model_used=target.model_id,
            error_code="",
            tokens_output__gt=0,
        )
        .order_by("-created_at")
        .values_list("tokens_output", flat=True)[:PAST_CALLS]
    )
    found = list(lengths)
    return max(found) if len(found) >= MIN_PAST_CALLS else None
