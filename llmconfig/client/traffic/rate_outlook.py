"""What is left of a provider's limits, as Redis last said."""

from msgspec import Struct


class RateRoom(Struct, frozen=True):
    """What is left of a minute's limit, and in how many seconds all of it is free again."""

    limit: int
    left: int
    resets_in_s: float


class RateOutlook(Struct, frozen=True):
    """A provider's room for requests and for tokens; None where there is no such limit."""

    requests: RateRoom | None
    tokens: RateRoom | None


def room(limit: int | None, left: int, resets_in_ms: int) -> RateRoom | None:
    """The room as the script tells it; None where there is no limit."""
    return RateRoom(limit, max(0, int(left)), int(resets_in_ms) / 1000) if limit else None
