"""Stored provider keys, rewritten with the newest field key.

A row whose key was encrypted with an older field key, or by django-fernet-fields, is read and
written again in short transactions. Each row is done or not, so a run that was killed is simply
started anew. This is no change of the configuration: history has no revision of it.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from llmconfig import secrets
from llmconfig.errors import SecretUnreadable
from llmconfig.models import Provider

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = 500
LEGACY = "legacy"


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a run did. `left` rows still need another field key than the first; `unreadable` are
    those of them that no field key opens, as providers' names with the reason."""

    rewritten: int
    left: int
    unreadable: tuple[str, ...]


def by_field_key() -> dict[str, int]:
    """How many stored keys need which field key; `legacy` are those of django-fernet-fields."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN api_key LIKE %s THEN split_part(api_key, ':', 2) ELSE %s END AS used,"
            " count(*) FROM llm_providers WHERE api_key <> '' GROUP BY used ORDER BY used",
            [f"{secrets.PREFIX}:%", LEGACY],
        )
        return dict(cursor.fetchall())


def left() -> int:
    """How many stored keys still need another field key than the first."""
    return _outdated().count()


def rotate(*, dry_run: bool = False, rows_at_once: int = ROWS_AT_ONCE) -> Rotation:
    """Rewrite every outdated row; a dry run only reads. Safe to run twice at once.

    Rows that another transaction holds are passed over and counted as left.
    """
    rewritten, unreadable = 0, []
    for ids in _batches(rows_at_once):
        with transaction.atomic():
            rows = Provider.objects.filter(pk__in=ids).select_for_update(skip_locked=True)
            for row in rows.order_by("pk"):
                try:
                    rewritten += _rewrite(row, dry_run=dry_run)
                except SecretUnreadable as error:
                    unreadable.append(f"{row.name}: {error}")
    done = Rotation(rewritten, left(), tuple(unreadable))
    if not dry_run:
        logger.info("Provider keys rewritten: %s; left: %s.", done.rewritten, done.left)
    return done


def _outdated() -> QuerySet[Provider]:
    current = f"{secrets.PREFIX}:{secrets.keyring().primary_id}:"
    return Provider.objects.filter(~Q(api_key=""), ~Q(api_key__startswith=current))


def _batches(rows_at_once: int) -> Iterator[list[UUID]]:
    """Ids of outdated rows in order, each given once, also if it stays outdated."""
    after: UUID | None = None
    while True:
        rows = _outdated().order_by("pk")
        if after is not None:
            rows = rows.filter(pk__gt=after)
        ids = list(rows.values_list("pk", flat=True)[:rows_at_once])
        if not ids:
            return
        yield ids
        after = ids[-1]


def _rewrite(row: Provider, *, dry_run: bool) -> int:
    """1 if the row was rewritten, 0 if another run was first; raises SecretUnreadable."""
    outdated = row.api_key
    fresh = secrets.encrypt(secrets.decrypt(outdated, place=row.key_place), place=row.key_place)
    if dry_run:
        return 1
    return Provider.objects.filter(pk=row.pk, api_key=outdated).update(api_key=fresh)
