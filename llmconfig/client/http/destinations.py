"""Where requests go, and the head that they have there: worked out once for each address."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from yarl import URL

from llmconfig.client.http import egress
from llmconfig.client.http.connections import Origin


class BadAddress(ValueError):
    """An address or header that can't stand in a request."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One address with the headers of its requests, which hold keys: `head` is never shown."""

    url: URL
    origin: Origin
    head: bytes = field(repr=False)

    def request(self, body: bytes | None) -> bytes:
        """A whole request; None where the method has no body."""
        if body is None:
            return self.head + b"\r\n"
        return b"%bContent-Length: %d\r\n\r\n%b" % (self.head, len(body), body)


def destination(method: str, url: URL, headers: Mapping[str, str], *, private: bool) -> Destination:
    """Where and how a request goes; `private` allows addresses in one's own network.

    Raises BadAddress.
    """
    return Destination(
        url, _origin(url, private=private), _head(method, url, tuple(headers.items()))
    )


@lru_cache(maxsize=256)
def _origin(url: URL, *, private: bool) -> Origin:
    host = url.raw_host
    if not host or url.scheme not in {"http", "https"}:
        raise BadAddress("no host")
    if host.endswith(".") and not host.rstrip(".")[-1:].isalpha():
        host = host.rstrip(".")  # an address, which has no root; names may end with theirs
    factory = egress.private_socket if private else egress.public_socket
    return Origin(host, url.port or 0, url.scheme == "https", factory)


@lru_cache(maxsize=256)
def _head(method: str, url: URL, headers: tuple[tuple[str, str], ...]) -> bytes:
    """A request's head but for its length; raises BadAddress for what can't stand in one."""
    lines = [f"{method} {url.raw_path_qs} HTTP/1.1", f"Host: {url.host_port_subcomponent}"]
    if not any(name.lower() == "user-agent" for name, _ in headers):
        lines.append("User-Agent: nodewise")  # some servers refuse whoever has none
    lines += [f"{name}: {value}" for name, value in headers]
    if any(not each.isprintable() for each in lines) or any(":" in name for name, _ in headers):
        raise BadAddress("a line break in a header")
    try:
        return "\r\n".join((*lines, "")).encode("latin-1")
    except UnicodeEncodeError:
        raise BadAddress("a header that is not Latin-1") from None
