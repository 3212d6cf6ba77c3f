"""Which addresses providers may live at; asked at the moment of connecting.

Hosted types reach public addresses only, servers of one's own may be anywhere in one's network, and
nobody reaches link-local addresses, where clouds keep their machines' credentials.
"""

import socket
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any

from msgspec import Struct
from yarl import URL

from llmconfig import project_settings, provider_types

# Not used by any system call: tells our refusal from a real failure also where errors are merged.
REFUSED_ERRNO = 9_410_401
NEVER = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8",
        "169.254.0.0/16",  # link-local: AWS, Azure, Google and most others' metadata
        "100.100.100.200/32",  # Alibaba's metadata
        "168.63.129.16/32",  # Azure's host
        "192.0.0.192/32",  # Oracle's metadata
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fe80::/10",
        "fd00:ec2::254/128",  # AWS's metadata
        "ff00::/8",
    )
)
NAT64 = ip_network("64:ff9b::/96")


class EgressRefused(OSError):
    """The address is one that this provider may not be asked at."""

    def __init__(self, address: str) -> None:
        super().__init__(REFUSED_ERRNO, f"{address} is not an address for this provider")


class Allowances(Struct, frozen=True):
    """LLM_EGRESS_ALLOW read: networks (port 0: any), and names with their port (0: any)."""

    networks: tuple[tuple[IPv4Network | IPv6Network, int], ...]
    names: frozenset[tuple[str, int]]


def anywhere_private(provider_type: str, url: URL) -> bool:
    """Whether this address of a provider may be in a private network or on this machine."""
    return provider_types.get(provider_type).private_network or is_allowed_name(url)


def is_allowed_name(url: URL) -> bool:
    """Whether LLM_EGRESS_ALLOW names this host, with this port or with any."""
    names = allowances().names
    host = (url.host or "").lower()
    return (host, url.port or 0) in names or (host, 0) in names


def allowances() -> Allowances:
    """The networks and names that LLM_EGRESS_ALLOW permits beside public addresses."""
    return _read(project_settings.egress_allow())


@lru_cache(maxsize=8)
def _read(entries: tuple[str, ...]) -> Allowances:
    networks: list[tuple[IPv4Network | IPv6Network, int]] = []
    names: set[tuple[str, int]] = set()
    for entry in entries:
        host, port = _split(entry.strip().lower())
        try:
            networks.append((ip_network(host, strict=False), port))
        except ValueError:
            names.add((host, port))
    return Allowances(tuple(networks), frozenset(names))


def _split(entry: str) -> tuple[str, int]:
    """`10.0.0.0/8`, `127.0.0.1:8089`, `[::1]:8089`, `name:443` or `name` as host and port."""
    host, colon, port = entry.rpartition(":")
    if colon and port.isdecimal() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(port)
    return entry.strip("[]"), 0


def public_socket(info: Sequence[Any]) -> socket.socket:
    """A socket for a public or allowed address; raises EgressRefused for any other."""
    address, port = info[4][0], info[4][1]
    ip = _inner(ip_address(address))
    if _never(ip) or not (ip.is_global or _allowed(ip, port)):
        raise EgressRefused(address)
    return _socket(info)


def private_socket(info: Sequence[Any]) -> socket.socket:
    """A socket for any address but those that nobody reaches; raises EgressRefused for them."""
    address = info[4][0]
    if _never(_inner(ip_address(address))):
        raise EgressRefused(address)
    return _socket(info)


def _socket(info: Sequence[Any]) -> socket.socket:
    return socket.socket(family=info[0], type=info[1], proto=info[2])


def _inner(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for (mapped, 6to4, NAT64), else itself."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


def _never(ip: IPv4Address | IPv6Address) -> bool:
    return any(ip in network for network in NEVER)


def _allowed(ip: IPv4Address | IPv6Address, port: int) -> bool:
    return any(
        ip in network and allowed_port in {0, port}
        for network, allowed_port in allowances().networks
    )
