"""The one way to write configuration: inside `change()`, which makes a numbered revision.

The triggers in sql/history_triggers.sql write the history; this module tells them who and why.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from msgspec import Struct

from llmconfig.configuration import snapshot
from llmconfig.roles import User

SOURCES = frozenset({"admin", "api", "yaml", "seed", "shell", "call"})


class Change(Struct):
    """An open change; `number` is its revision's once it has ended, None if nothing changed."""

    number: int | None = None


@contextmanager
def change(*, source: str, user: User | None = None, message: str = "") -> Iterator[Change]:
    """Write configuration in one transaction, as one revision; no changed row, no revision.

    `source` is one of SOURCES. A change inside a change joins the outer one. After it, this
    process sees the new state at once, others within a second of their next call.
    """
    if source not in SOURCES:
        raise ValueError(f"source: {source!r} is none of {', '.join(sorted(SOURCES))}.")
    opened = Change()
    with transaction.atomic():
        outermost = not _setting("source")
        if outermost:
            _announce(source=source, user=str(user.pk) if user else "", message=message)
        yield opened
        number = _setting("revision")
        opened.number = int(number) if number else None
        if outermost:
            _announce(source="", user="", message="", revision="")
        transaction.on_commit(snapshot.expire)
    snapshot.expire()


def _setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true)", [f"nodewise.{name}"])
        return str(cursor.fetchone()[0] or "")


def _announce(**values: str) -> None:
    with connection.cursor() as cursor:
        for name, value in values.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [f"nodewise.{name}", value])
