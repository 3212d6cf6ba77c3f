"""How many rows of a lane may be under way; one that pauses for long lends its place to another."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable

from enrichment.engine.outgoing import OutgoingRow

LONG_SECONDS = 1.0  # a shorter pause keeps its place


class CallWindow:
    """The rows under way in one lane. Everything runs on the event loop.

    As many rows may pause beside it as it has places: a provider that sends everybody away is not
    to be asked for all rows of a table.
    """

    def __init__(self, places: int, *, vacated: Callable[[], None]) -> None:
        self.places = places
        self.rows: set[OutgoingRow] = set()
        self._vacated = vacated  # called when a place is lent
        self._pausing = 0
        self._back: deque[asyncio.Future[None]] = deque()  # their pause is over
        self._is_open = False
        self._allowed: int | None = None  # rows that may still begin; None: any number

    def may_begin(self) -> int:
        """How many rows may begin now; those whose pause is over take their places before."""
        if self._back:
            self.let_back()
        return self.free() if self._allowed is None else min(self.free(), self._allowed)

    def begin(self, row: OutgoingRow) -> None:
        """A row takes a place."""
        self.rows.add(row)
        if self._allowed is not None:
            self._allowed -= 1

    def allow(self, exposed: int | None, *, unwritten: int) -> None:
        """Let so many rows be under way or answered and not written, in all; None: any number.

        One may always begin where none is under way: what it costs tells what is left.
        """
        if exposed is None:
            self._allowed = None
        else:
            self._allowed = max(exposed - len(self.rows) - unwritten, 0 if self.rows else 1)

    def free(self) -> int:
        """Places that nobody has."""
        if not (self._pausing or self._back):
            return self.places - len(self.rows)
        away = min(self._pausing + len(self._back), self.places)
        return self.places - (len(self.rows) - away)

    def leave(self, row: OutgoingRow) -> None:
        """Its call is over."""
        self.rows.discard(row)
        row.ended()

    async def pause(self, row: OutgoingRow, seconds: float) -> None:
        """Sleep between two requests for a row; then wait for a place, if another row has it."""
        if seconds < LONG_SECONDS:
            await asyncio.sleep(seconds)
            return
        self._pausing += 1
        row.pauses += 1
        self._vacated()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._pausing -= 1
        if self._is_open or (self.free() > 0 and not self._back):
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._back.append(place)
        try:
            await place
        finally:
            if place in self._back:
                self._back.remove(place)

    def let_back(self) -> None:
        """Give free places to rows whose pause is over; they come before new ones."""
        while self._back and (self._is_open or self.free() > 0):
            place = self._back.popleft()
            if not place.done():
                place.set_result(None)

    def open(self) -> None:
        """No new row comes any more: whose pause is over goes on at once."""
        self._is_open = True
        self.let_back()

    async def holdup(self) -> str:
        """What most rows under way wait for; blank when there are none."""
        found = Counter(row.holdup() for row in self.rows)
        return found.most_common(1)[0][0] if found else ""

    async def waits_for_room(self) -> bool:
        """Whether rows wait for room at their provider."""
        return any(row.waits_for_room() for row in self.rows)
