"""Headers of answers (refusals have their own): which call it was, who answered, what it took."""

from urllib.parse import quote
from uuid import UUID

from llmconfig.client.types import Generation

Headers = list[tuple[bytes, bytes]]
NAME_CHARACTERS = "/:@+,"  # in models' ids, beside letters, digits and `_.-~`


def of_call(correlation_id: UUID | None) -> Headers:
    """The call's id in the record, where OpenAI's and Anthropic's clients look for a request's."""
    if correlation_id is None:
        return []
    found = str(correlation_id).encode()
    return [(b"x-request-id", found), (b"request-id", found)]


def of_answer(made: Generation) -> Headers:
    """The model that really answered, whether the cache did, and US dollars if they are known."""
    record = made.record
    model = quote(f"{record.provider}/{record.model}", safe=NAME_CHARACTERS)
    told = [
        (b"x-nodewise-model", model.encode()),
        (b"x-nodewise-cache", b"hit" if record.cache_hit else b"miss"),
    ]
    if record.cost_usd is not None:
        told.append((b"x-nodewise-cost-usd", f"{record.cost_usd:f}".encode()))
    return told
