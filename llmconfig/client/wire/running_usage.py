"""What is known of a streamed answer's price, as its events tell more of it."""

from typing import Any

from llmconfig.client.types import Billed, Usage

JSON = dict[str, Any]


def later(before: Billed, after: Billed) -> Billed:
    """What is known after another event of a stream: nothing that was told is forgotten."""
    usage = after.usage
    if usage is None or (before.usage is not None and _size(usage) < _size(before.usage)):
        usage = before.usage
    return Billed(
        usage,
        before.cost_usd if after.cost_usd is None else after.cost_usd,
        after.service_tier if after.names_tier else before.service_tier,
        names_tier=after.names_tier or before.names_tier,
    )


def _size(usage: Usage) -> int:
    return usage.tokens_input + usage.tokens_output


def merged(before: JSON, after: Any) -> JSON:
    """Anthropic's counts of a stream: each event tells running totals, or only some of them."""
    if not isinstance(after, dict):
        return before
    found = dict(before)
    for name, value in after.items():
        known = found.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            found[name] = merged(known, value)
        elif value is None or (type(known) is int and type(value) is int and value < known):
            continue
        else:
            found[name] = value
    return found
