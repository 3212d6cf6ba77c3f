"""Server-sent events: the pieces of a streamed reply put together to the data of each event."""

from llmconfig.client.wire import BadReply

# Of one event; the longest real ones hold a few KB.
MAX_EVENT_BYTES = 4 * 1024 * 1024
DONE = b"[DONE]"


class EventReader:
    """Takes a stream's bytes as they come. Events' names are left out: their data repeats them."""

    __slots__ = ("_data", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of the events that end in this piece; raises BadReply for one without end."""
        lines = (self._rest + piece).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_EVENT_BYTES:
            raise BadReply("an event has no end")
        events = []
        for line in lines:
            name, colon, value = line.rstrip(b"\r").partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
            elif not name and not colon and self._data:
                events.append(b"\n".join(self._data))
                self._data = []
        return events

    def end(self) -> list[bytes]:
        """What the stream's end leaves: servers forget the last blank line."""
        return self.feed(b"\n\n")
