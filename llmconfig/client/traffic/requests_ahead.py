"""Requests that Redis has let one limiter make before their calls came."""

from llmconfig.client.traffic.ahead import AHEAD_SECONDS, PART_OF_WHAT_IS_LEFT, CallRate


class RequestsAhead:
    """How many there are, until when, and how many are needed.

    They count in Redis from when they were let in, so they are used within a moment or given back.
    """

    __slots__ = ("_counted_at", "_largest", "_low", "_rate", "_until", "left", "tokens")

    def __init__(self) -> None:
        self.left = 0
        self.tokens = 0  # that each of them may use
        self._low = 0
        self._counted_at = 0  # the half second of Redis' clock
        self._until = 0.0
        self._largest = 0  # tokens of the calls that came lately
        self._rate = CallRate()

    def came(self, tokens: int) -> None:
        """Count a call that was let in, with as many tokens (0 where nobody counts them)."""
        self._largest = max(self._largest, tokens)
        self._rate.took()

    def take(self, tokens: int, now: float) -> bool:
        """Let a call of so many tokens in; tells whether it may go."""
        if not self.left or tokens > self.tokens or now >= self._until:
            return False
        self.left -= 1
        self.came(tokens)
        return True

    @property
    def is_low(self) -> bool:
        """Whether it is time for more."""
        return self.left <= self._low

    def order(self, now: float, *, most: int) -> tuple[int, int, int, int, int, int]:
        """The script's arguments: which are given back, kept and wanted, at most `most` in all."""
        wanted = min(self._rate.wanted(now), max(0, most))
        unused = self.left
        # Kept ones may be used while this is on its way, so they stay as they are.
        if not self.tokens // 2 <= self._largest <= self.tokens:
            self.left, self.tokens = 0, self._largest * 5 // 4
        self.left = min(self.left, wanted)
        if not wanted:
            self._largest = 0
        more = wanted - self.left
        return (self._counted_at, unused, self.left, more, self.tokens, PART_OF_WHAT_IS_LEFT)

    def got(self, more: int, counted_at: int, sent_at: float) -> None:
        """What came of the order that was sent at that time of the event loop."""
        self.left += more
        self._low = self.left // 2
        self._counted_at = counted_at
        self._until = sent_at + AHEAD_SECONDS

    def lose(self) -> None:
        """Nobody knows any more what was let in."""
        self.left = 0
        self._rate.stop()
