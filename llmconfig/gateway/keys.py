"""Keys of the endpoint: made once, shown once, kept as a hash."""

import re
import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.configuration import snapshot
from llmconfig.errors import ChangeRefused
from llmconfig.models import InteractionType
from llmconfig.models.gateway import GatewayKey
from llmconfig.roles import User
from llmconfig.runtime import database_clock
from llmconfig.secrets import Secret

PREFIX = "nw-"
MAX_OVERLAP = timedelta(days=30)  # in which a rotated key still opens
SHOWN = 9  # characters of the key that its row keeps, to recognise it by
# Ours, and LiteLLM's as it makes them, which an import brings in; shorter ones could be guessed.
FORM = re.compile(rb"nw-[A-Za-z0-9_-]{43}|sk-[A-Za-z0-9_-]{22,128}")


class Scope(Struct, frozen=True):
    """What a key may call; `everything` or the names of nodes and interaction types."""

    everything: bool = False
    names: tuple[str, ...] = ()


def make_key(
    name: str, *, scope: Scope, user: User | None = None, expires_at: datetime | None = None
) -> tuple[GatewayKey, Secret]:
    """Store a new key's hash and give the key, which nobody can read again.

    To be called inside `revisions.change`. Raises ChangeRefused.
    """
    check_scope(scope)
    if not name.strip():
        raise ChangeRefused("Give the key a name.", field="name")
    if GatewayKey.objects.filter(name=name).exists():
        raise ChangeRefused(f"There is a key named {name!r} already.", field="name")
    row = GatewayKey(
        name=name,
        user=user,
        allows_everything=scope.everything,
        names=list(scope.names),
        expires_at=expires_at,
    )
    key = give_key(row)
    row.save()
    return row, key


def check_expiry(expires_at: datetime | None) -> None:
    """Raises ChangeRefused for the end of a new key that could never open."""
    if expires_at is not None and expires_at <= database_clock.now():
        raise ChangeRefused(
            gettext("This time is over: choose a later one, or leave it blank."),
            field="expires_at",
        )


def give_key(row: GatewayKey) -> Secret:
    """Make a key for a row, which is to be saved."""
    key = PREFIX + secrets.token_urlsafe(32)
    row.prefix, row.key_hash = key[:SHOWN], hash_of(key.encode())
    return Secret(key)


def rotate(row: GatewayKey, *, overlap: timedelta) -> Secret:
    """Give a stored row another key; the one before opens for `overlap` longer, at most 30 days.

    Name, scope, budgets and past calls stay. To be called inside `revisions.change`, and saved by
    it. Raises ChangeRefused.
    """
    if not timedelta(0) <= overlap <= MAX_OVERLAP:
        raise ChangeRefused(f"Give from 0 to {MAX_OVERLAP.days * 24} hours.", field="overlap_hours")
    kept = overlap > timedelta(0)
    row.previous_hash = row.key_hash if kept else None
    row.previous_until = database_clock.now() + overlap if kept else None
    key = give_key(row)
    row.save()
    return key


def hash_of(key: bytes) -> str:
    """What a row keeps of a key."""
    return sha256(key).hexdigest()


def check_scope(scope: Scope) -> None:
    """Everything, or names that exist; raises ChangeRefused."""
    if scope.everything == bool(scope.names):
        raise ChangeRefused("Name what it may call, or allow everything; not both.", field="names")
    nodes = snapshot.current().nodes
    unknown = [
        each for each in scope.names if each not in nodes and each not in InteractionType.values
    ]
    if unknown:
        raise ChangeRefused(
            f"{', '.join(unknown)}: no node or interaction type has this name.", field="names"
        )
