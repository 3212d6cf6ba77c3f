"""Stored keys of providers, and secrets of the apps above, rewritten with the newest field key.

A row whose key was encrypted with an older field key, or by django-fernet-fields, is read and
written again in short transactions. Each row is done or not, so a run that was killed is simply
started anew. This is no change of the configuration: history has no revision of it.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Model, Q, QuerySet
from msgspec import Struct

from llmconfig import secrets
from llmconfig.errors import SecretUnreadable
from llmconfig.models import Provider

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = 500
LEGACY = "legacy"


class Rotation(Struct, frozen=True):
    """What a run did. `left` rows still need another field key than the first; `unreadable` are
    those of them that no field key opens, as providers' names with the reason."""

    rewritten: int
    left: int
    unreadable: tuple[str, ...]


class StoredSecrets(Struct, frozen=True):
    """A column of ciphertexts; rows say by `key_place` what theirs is bound to."""

    model: type[Model]
    column: str


_STORED = [StoredSecrets(Provider, "api_key")]


def register(stored: StoredSecrets) -> None:
    """Have another table's secrets rewritten as well, for an app's `ready`."""
    if stored not in _STORED:
        _STORED.append(stored)


def by_field_key() -> dict[str, int]:
    """How many stored keys need which field key; `legacy` are those of django-fernet-fields."""
    found: Counter[str] = Counter()
    for stored in _STORED:
        table, column = stored.model._meta.db_table, stored.column  # noqa: SLF001 - Django's API
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT CASE WHEN {column} LIKE %s THEN split_part({column}, ':', 2) ELSE %s END"  # noqa: S608 - names of ours
                f" AS used, count(*) FROM {table} WHERE {column} <> '' GROUP BY used",
                [f"{secrets.PREFIX}:%", LEGACY],
            )
            found.update(dict(cursor.fetchall()))
    return dict(sorted(found.items()))


def lacking() -> list[str]:
    """The field keys that stored keys need and LLM_FIELD_KEYS doesn't hold, by their names."""
    known = {*secrets.keyring().ids, LEGACY}
    return [used for used in by_field_key() if used not in known]


def left() -> int:
    """How many stored keys still need another field key than the first."""
    return sum(_outdated(stored).count() for stored in _STORED)


def rotate(*, dry_run: bool = False, rows_at_once: int = ROWS_AT_ONCE) -> Rotation:
    """Rewrite every outdated row; a dry run only reads. Safe to run twice at once.

    Rows that another transaction holds are passed over and counted as left.
    """
    rewritten, unreadable = 0, []
    for stored, ids in _batches(rows_at_once):
        with transaction.atomic():
            found = _outdated(stored).filter(pk__in=ids).select_for_update(skip_locked=True)
            for row in found.order_by("pk"):
                try:
                    rewritten += _rewrite(stored, row, dry_run=dry_run)
                except SecretUnreadable as error:
                    unreadable.append(f"{row}: {error}")
    done = Rotation(rewritten, left(), tuple(unreadable))
    if not dry_run:
        logger.info("Stored keys rewritten: %s; left: %s.", done.rewritten, done.left)
    return done


def _outdated(stored: StoredSecrets) -> "QuerySet[Any]":
    current = f"{secrets.PREFIX}:{secrets.keyring().primary_id}:"
    rows: QuerySet[Any] = stored.model._default_manager.all()  # noqa: SLF001 - Django's API
    return rows.filter(~Q(**{stored.column: ""}), ~Q(**{f"{stored.column}__startswith": current}))


def _batches(rows_at_once: int) -> Iterator[tuple[StoredSecrets, list[UUID]]]:
    """Ids of outdated rows in order, each given once, also if it stays outdated."""
    for stored in _STORED:
        after: UUID | None = None
        while True:
            rows = _outdated(stored).order_by("pk")
            if after is not None:
                rows = rows.filter(pk__gt=after)
            ids = list(rows.values_list("pk", flat=True)[:rows_at_once])
            if not ids:
                break
            yield stored, ids
            after = ids[-1]


def _rewrite(stored: StoredSecrets, row: Any, *, dry_run: bool) -> int:
    """1 if the row was rewritten, 0 if another run was first; raises SecretUnreadable."""
    outdated = getattr(row, stored.column)
    fresh = secrets.encrypt(secrets.decrypt(outdated, place=row.key_place), place=row.key_place)
    if dry_run:
        return 1
    return (
        _outdated(stored)
        .filter(pk=row.pk, **{stored.column: outdated})
        .update(**{stored.column: fresh})
    )
