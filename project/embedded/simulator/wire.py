"""The records that pass between the connection and what answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import orjson

from project.embedded.simulator.errors import SimulatedRefusal

JsonObject = dict[str, Any]
Header = tuple[bytes, bytes]


@dataclass(slots=True)
class Request:
    """One parsed HTTP request; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[bytes, bytes]
    body: bytes
    keep_alive: bool = True

    def header(self, name: bytes) -> str:
        """The header's text, empty if absent."""
        return self.headers.get(name, b"").decode("latin-1")

    def key(self) -> str:
        """The credential sent, in any vendor's way; empty if none was."""
        bearer = self.header(b"authorization")
        if bearer[:7].lower() == "bearer ":
            return bearer[7:]
        return self.header(b"x-api-key") or self.header(b"api-key")

    def origin(self) -> str:
        return f"http://{self.header(b'host')}"

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter."""
        values = parse_qs(self.query).get(name)
        return values[0] if values else None

    def json(self) -> JsonObject:
        """The body as a JSON object; refuses anything else with 400."""
        try:
            body = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise SimulatedRefusal(400, f"The body is not valid JSON: {error}") from None
        if not isinstance(body, dict):
            raise SimulatedRefusal(400, "The body must be a JSON object.")
        return body


@dataclass(slots=True)
class HttpReply:
    """One HTTP response; a chunked body is already framed."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: tuple[Header, ...] = ()
    chunked: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a response travels: whole (the default), in drips, cut, or not at all."""

    drip_bytes: int = 0
    drip_s: float = 0.0
    cut: float | None = None
    disconnect: bool = False


WHOLE = Delivery()


@dataclass(slots=True)
class Pending:
    """An answer that is due in `delay_s`; it is produced even if the client has gone by then."""

    delay_s: float
    produce: Callable[[], HttpReply]
    finish: Callable[[bool], None]  # told whether every byte was handed to the client
    delivery: Delivery = field(default=WHOLE)


def json_reply(body: object, status: int = 200, headers: tuple[Header, ...] = ()) -> HttpReply:
    """A reply with this body as JSON."""
    return HttpReply(status, orjson.dumps(body), headers=headers)


def event_stream(events: list[bytes], headers: tuple[Header, ...] = ()) -> HttpReply:
    """Server-sent events, each in a chunk of its own as a provider flushes them."""
    framed = b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events) + b"0\r\n\r\n"
    return HttpReply(200, framed, b"text/event-stream; charset=utf-8", headers, chunked=True)
