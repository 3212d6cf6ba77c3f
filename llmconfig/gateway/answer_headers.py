"""Headers of answers (refusals have their own): which call it was, who answered, what it took."""

import datetime as dt
from decimal import Decimal
from functools import lru_cache
from urllib.parse import quote
from uuid import UUID

from llmconfig.client.pipeline import cascades
from llmconfig.client.pipeline.holdup import CallWatch
from llmconfig.client.traffic import rate_limits
from llmconfig.client.types import Cascaded, Generation

Headers = list[tuple[bytes, bytes]]
CACHE_HIT, CACHE_MISS = (b"x-nodewise-cache", b"hit"), (b"x-nodewise-cache", b"miss")
NO_COST = Decimal(0)
NO_STREAMS = Cascaded("rests", why="Streams go to the node's own model.")
WHY_CHARACTERS = " /:@+,.'()%"  # of a header's value, beside letters and digits
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
    told = [
        _model(record.provider, record.model),
        CACHE_HIT if record.cache_hit else CACHE_MISS,
        _revision(record.config_revision),
    ]
    if made.cascade is not None:
        told.append(of_cascade(made.cascade))
    cost = cost_of(made, *others)
    if cost is not None:
        told.append((b"x-nodewise-cost-usd", f"{cost:f}".encode()))
    return told


def of_call_under_way(watch: CallWatch) -> Headers:
    """The model that answers a stream, and by which revision of the configuration."""
    told = [_revision(watch.state.resolution.revision)]
    target = watch.answerer
    if cascades.facts_of(watch.state.call, watch.state.configuration) is not None:
        told.append(of_cascade(NO_STREAMS))
    return told if target is None else [_model(target.provider.name, target.model_id), *told]


def as_comment(made: Generation) -> bytes:
    """What a stream's head could not tell yet, as a comment among its events."""
    told = b"; ".join(b"%s: %s" % pair for pair in of_answer(made))
    return b": " + told + b"\n\n"


def of_limits(provider: str, *, anthropic: bool) -> Headers:
    """What is left of the limits that hold for the provider that answered, as a vendor says it."""
    found = rate_limits.outlook_of(provider)
    if found is None:
        return []
    now = dt.datetime.now(dt.UTC)
    told: Headers = []
    for what, room in (("requests", found.requests), ("tokens", found.tokens)):
        if room is None:
            continue
        reset = f"{room.resets_in_s:.3f}s"
        if anthropic:
            ends = now + dt.timedelta(seconds=room.resets_in_s)
            reset = ends.isoformat(timespec="seconds").replace("+00:00", "Z")
        for name, value in (("limit", room.limit), ("remaining", room.left), ("reset", reset)):
            header = f"x-ratelimit-{name}-{what}"
            if anthropic:
                header = f"anthropic-ratelimit-{what}-{name}"
            told.append((header.encode(), str(value).encode()))
    return told


def cost_of(*made: Generation) -> Decimal | None:
    """US dollars for all of them, None where any is unknown; choices of one call cost once."""
    if len(made) == 1:
        cost, cascade = made[0].record.cost_usd, made[0].cascade
        if cascade is None or cost is None:
            return cost
        return None if cascade.beside_usd is None else cost + cascade.beside_usd
    costs = [each.cost_usd for each in {each.record.id: each.record for each in made}.values()]
    known = [each for each in costs if each is not None]
    return sum(known, NO_COST) if len(known) == len(costs) else None


def of_cascade(found: Cascaded) -> tuple[bytes, bytes]:
    """What a cascade did: its way, and the cheap answer's score or why it rests."""
    told = found.way
    if found.score is not None:
        told += f"; score={found.score:.4f}"
    if found.why:
        told += f"; why={quote(found.why, safe=WHY_CHARACTERS)}"
    return b"x-nodewise-cascade", told.encode()


@lru_cache(maxsize=16)
def _revision(number: int) -> tuple[bytes, bytes]:
    return b"x-nodewise-revision", str(number).encode()


@lru_cache(maxsize=1024)
def _model(provider: str, model: str) -> tuple[bytes, bytes]:
    return b"x-nodewise-model", quote(f"{provider}/{model}", safe=NAME_CHARACTERS).encode()
