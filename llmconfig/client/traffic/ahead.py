"""What is taken ahead of the calls to come, and how soon one exchange may follow another.

Where many calls come, each exchange with PostgreSQL's ledger or with Redis also brings what the
next ones need, and they ask nobody. Only a part of what is left is taken, so nothing is where a
limit is near; and what isn't used within a moment is given back. What no caller waits for is told
some time later, together with much else.
"""

AHEAD_SECONDS = 0.2  # what is taken serves so long if calls go on coming as they did
TOGETHER_SECONDS = 0.1  # what nobody waits for is told within this time
MIN_CALLS = 4  # calls ahead; fewer ask for themselves
PART_OF_WHAT_IS_LEFT = 16
SLOWING = 0.75  # of the rate, from one look to the next, when none come
MIN_LOOK_SECONDS = 0.05  # between two looks at the rate
SPACING_PER_CALL_SECONDS = 0.0002
MAX_SPACING_SECONDS = 0.02


class CallRate:
    """How fast one event loop's calls come for something."""

    __slots__ = ("_a_second", "_came", "_since")

    def __init__(self) -> None:
        self._a_second = 0.0
        self._came = 0
        self._since = 0.0

    def took(self) -> None:
        """Count a call that has got what it needs."""
        self._came += 1

    def wanted(self, now: float, ahead_s: float = AHEAD_SECONDS) -> int:
        """How many calls come in so many seconds from this time of the event loop; 0 if too few."""
        seconds = now - self._since
        lately = self._came / max(seconds, MIN_LOOK_SECONDS)
        if seconds >= MIN_LOOK_SECONDS:
            self._a_second = max(lately, self._a_second * SLOWING)
            self._came, self._since = 0, now
        calls = int(max(lately, self._a_second) * ahead_s)
        return calls if calls >= MIN_CALLS else 0

    def stop(self) -> None:
        """Want nothing ahead until calls get what they need again."""
        self._a_second = 0.0
        self._came = 0


def spacing(calls_under_way: int) -> float:
    """Seconds from one exchange's start to the next one's, so that several calls share it."""
    return min(calls_under_way * SPACING_PER_CALL_SECONDS, MAX_SPACING_SECONDS)
