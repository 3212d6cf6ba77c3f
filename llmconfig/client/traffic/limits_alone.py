"""What a process may still let in while Redis, which keeps the limits for all, is lost."""

import math
from collections.abc import Iterable
from typing import Self

from msgspec import Struct

from llmconfig.configuration.facts import ProviderFacts

# Without Redis the limits of what is paid for hold by halves, so not for long.
ALONE_SECONDS = 5.0
MINUTE = 60.0


class LimitsAlone(Struct):
    """A process's share of a provider's limits, until a time of its event loop."""

    until: float
    places: float
    requests: float
    tokens: float

    @classmethod
    def of(cls, facts: ProviderFacts, sharing: int, wanted: Iterable[int], now: float) -> Self:
        """An even share among so many processes for the next seconds; `wanted` by waiting calls."""
        part = ALONE_SECONDS / MINUTE
        places, requests, tokens = (
            math.inf if limit is None else max(1.0, limit * share / sharing)
            for limit, share in (
                (facts.max_concurrency, 1.0),
                (facts.requests_per_minute, part),
                (facts.tokens_per_minute, part),
            )
        )
        if facts.tokens_per_minute:
            # One call must pass, or a limit lower than a call's worst case would be a wall.
            tokens = max(tokens, *wanted, 1.0)
        return cls(now + ALONE_SECONDS, math.floor(places), requests, tokens)
