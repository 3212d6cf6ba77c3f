"""Headers of answers (refusals have their own): which call it was, who answered, what it took."""

from decimal import Decimal
from urllib.parse import quote
from uuid import UUID

from llmconfig.client.types import Generation

Headers = list[tuple[bytes, bytes]]
NO_COST = Decimal(0)
NAME_CHARACTERS = "/:@+,"  # in models' ids, beside letters, digits and `_.-~`


def of_call(correlation_id: UUID | None) -> Headers:
    """The call's id in the record, where OpenAI's and Anthropic's clients look for a request's."""
    if correlation_id is None:
        return []
    found = str(correlation_id).encode()
    return [(b"x-request-id", found), (b"request-id", found)]


def of_answer(made: Generation, *others: Generation) -> Headers:
    """The model that really answered, whether the cache did, and US dollars if they are known.

    Of several choices: the first one's model, and what all of them cost.
    """
    record = made.record
    model = quote(f"{record.provider}/{record.model}", safe=NAME_CHARACTERS)
    told = [
        (b"x-nodewise-model", model.encode()),
        (b"x-nodewise-cache", b"hit" if record.cache_hit else b"miss"),
    ]
    costs = [each.record.cost_usd for each in (made, *others)]
    known = [each for each in costs if each is not None]
    if len(known) == len(costs):
        told.append((b"x-nodewise-cost-usd", f"{sum(known, NO_COST):f}".encode()))
    return told
