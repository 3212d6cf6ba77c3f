"""How an answer is put into a vendor's words: what each of them brings along for it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import Struct

from llmconfig.client.types import Delta, Generation
from llmconfig.gateway.reading import JSON, ParsedRequest

STREAM_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # nginx would hold it back
)
COMMENT = b": waiting\n\n"


class Events(Protocol):
    """Turns a streamed answer's pieces into a vendor's events."""

    def begin(self) -> bytes:
        """What comes before the first piece."""

    def piece(self, delta: Delta) -> bytes:
        """A piece's events."""

    def end(self, made: Generation) -> bytes:
        """What comes after the last piece."""

    def failure(self, shape: JSON) -> bytes:
        """The last event of a stream that breaks off; `shape` is the error as a whole body."""


class ChoiceEvents(Protocol):
    """The events of one choice among several."""

    def begin(self) -> bytes:
        """What comes before its first piece."""

    def piece(self, delta: Delta) -> bytes:
        """A piece's events."""

    def ended(self, made: Generation) -> bytes:
        """Its end, where others still go on."""

    def end(self, made: Generation, *others: Generation) -> bytes:
        """Its end and the stream's."""

    def failure(self, shape: JSON) -> bytes:
        """The last event of a stream that breaks off."""


class AnswerForm(Struct, frozen=True):
    """A vendor's words for answers, whole and streamed.

    `whole` takes the request and a generation for each choice. `keep` stores an answer before its
    end is sent. `choice` makes the events of one of several choices; None where there is one only.
    """

    whole: Callable[..., JSON]
    events: Callable[[ParsedRequest], Events]
    keep: Callable[[Generation], Awaitable[None]] | None = None
    choice: Callable[[ParsedRequest, int], ChoiceEvents] | None = None
    stream_headers: Sequence[tuple[bytes, bytes]] = STREAM_HEADERS
    comment: bytes = COMMENT  # blank where readers skip none
