"""What all tests share: no connection leaves this machine, and the snapshot starts empty."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from llmconfig import snapshot

LOOPBACK = ("127.", "::1", "localhost")
_real_connect = socket.socket.connect


def _guarded_connect(self: socket.socket, address: Any) -> None:
    host = address[0] if isinstance(address, tuple) else ""
    if self.family in {socket.AF_INET, socket.AF_INET6} and not str(host).startswith(LOOPBACK):
        raise AssertionError(f"A test tried to reach {host}; tests reach loopback only.")
    _real_connect(self, address)


@pytest.fixture(autouse=True, scope="session")
def loopback_only() -> Iterator[None]:
    """Refuses every connection of this process that leaves the machine."""
    socket.socket.connect = _guarded_connect  # type: ignore[method-assign,assignment]
    yield
    socket.socket.connect = _real_connect  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def fresh_snapshot() -> Iterator[None]:
    """Each test sees its own database's configuration."""
    snapshot.expire()
    yield
    snapshot.expire()
