"""Server-sent events: the pieces of a streamed reply put together to the data of each event."""

import orjson

from llmconfig.client.wire import BadReply
from llmconfig.client.wire.reading import BYTE_ORDER_MARK

# Of one event; the longest real ones hold a few KB.
MAX_EVENT_BYTES = 4 * 1024 * 1024
DONE = b"[DONE]"


class EventReader:
    """Takes a stream's bytes as they come, wherever they are cut.

    Events' names are left out, because their data repeats them; but what is sent as an error (an
    event of that name, or llama.cpp's field `error:` of 2025) comes out as `{"error": …}`. A body
    that is JSON and no stream comes out whole at the end.
    """

    __slots__ = ("_begun", "_data", "_failed", "_plain", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._begun = False
        self._failed = False  # the event that is coming is an error
        self._plain = False  # it is no stream

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of the events that end in this piece; raises BadReply for one without end."""
        if self._is_one_event(piece):
            return [piece[6:-2]]
        data = self._rest + piece
        if not self._begun:
            data = self._begin(data)
        if self._plain or not self._begun:
            self._rest = data
            lines = []
        else:
            lines = self._lines(data)
        if len(self._rest) > MAX_EVENT_BYTES:
            raise BadReply("an event has no end")
        events = []
        for line in lines:
            if line:
                self._take(line)
            elif self._data:
                events += self._event()
        return events

    def _is_one_event(self, piece: bytes) -> bool:
        """Whether this is an event of one line and nothing else, as most pieces are."""
        return (
            piece.startswith(b"data: ")
            and piece.find(b"\n") == len(piece) - 2
            and piece.endswith(b"\n")
            and b"\r" not in piece
            and self._begun
            and not (self._rest or self._data or self._failed or self._plain)
        )

    def end(self) -> list[bytes]:
        """What the stream's end leaves: servers forget the last blank line."""
        if self._plain:
            return [self._rest]
        self._begun = True
        return self.feed(b"\n\n")

    def _begin(self, data: bytes) -> bytes:
        """Leave out a byte order mark, once it is known whether there is one."""
        if BYTE_ORDER_MARK.startswith(data) and data != BYTE_ORDER_MARK:
            return data
        self._begun = True
        data = data.removeprefix(BYTE_ORDER_MARK)
        self._plain = data.lstrip()[:1] in {b"{", b"["}
        return data

    def _lines(self, data: bytes) -> list[bytes]:
        """The whole lines; they end in LF, CRLF or CR, as the standard has it."""
        if b"\r" in data:
            held = data.endswith(b"\r")  # a LF may follow
            data = data[:-1] if held else data
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            lines = data.split(b"\n")
            self._rest = lines.pop() + (b"\r" if held else b"")
            return lines
        lines = data.split(b"\n")
        self._rest = lines.pop()
        return lines

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._failed = self._failed or value.strip() == b"error"
        elif name == b"error":
            self._data.append(value)
            self._failed = True

    def _event(self) -> list[bytes]:
        lines, failed = self._data, self._failed
        self._data, self._failed = [], False
        if failed:
            return [_as_error(b"\n".join(lines))]
        return lines if len(lines) == 1 or _is_json(lines) else [b"\n".join(lines)]


def _is_json(lines: list[bytes]) -> bool:
    """Whether each line is an event's data by itself: servers forget the blank lines between."""
    try:
        for line in lines:
            if line.strip() != DONE:
                orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _as_error(data: bytes) -> bytes:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = data.decode("utf-8", "replace")
    if isinstance(value, dict) and value.get("error"):
        return data
    return orjson.dumps({"error": value})
