"""Reads and writes listings by the thousand: COPY for new ones, one UPDATE for changed ones."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.utils import timezone

from enrichment.listings.importing.cleaning import CleanRow
from enrichment.listings.importing.comparison import STORED_FIELDS, KnownListing, storable
from enrichment.listings.models import Animal
from metrics.binary_sql import copy_rows

_TYPES = {"CharField": "varchar", "URLField": "varchar", "TextField": "text",
          "BooleanField": "bool", "DateTimeField": "timestamptz"}  # fmt: skip
_FIELDS = {
    field.name: field
    for field in Animal._meta.concrete_fields  # noqa: SLF001 - documented
    if field.name in STORED_FIELDS
}
_STORED = tuple((name, _TYPES[_FIELDS[name].get_internal_type()]) for name in STORED_FIELDS)
_DEFAULTS: dict[str, Any] = {name: field.get_default() for name, field in _FIELDS.items()}
_TABLE = Animal._meta.db_table  # noqa: SLF001 - documented
_ADDED = (("external_id", "varchar"), ("organization_id", "int8"), *_STORED,
          ("created_at", "timestamptz"), ("updated_at", "timestamptz"))  # fmt: skip
_CHANGED = (("id", "int8"), ("organization_id", "int8"), *_STORED)
_STAGE = f"""
CREATE TEMPORARY TABLE changed_listings ON COMMIT DROP AS
SELECT {", ".join(name for name, _ in _CHANGED)} FROM {_TABLE} WITH NO DATA
"""  # noqa: S608 - names from the model
_UPDATE = f"""
UPDATE {_TABLE} SET {", ".join(f"{name} = changed.{name}" for name, _ in _CHANGED[1:])},
    updated_at = %s
FROM changed_listings AS changed WHERE {_TABLE}.id = changed.id
"""  # noqa: S608 - names from the model


def wait_for_other_imports() -> None:
    """Let one import write at a time, so that two of the same file don't add a listing twice."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('nodewise.import_listings'))")


def known_listings(keys: Collection[str], *, lock: bool) -> dict[str, KnownListing]:
    """The listings with these ids at the source; `lock` holds them until the transaction ends."""
    rows = Animal.objects.filter(external_id__in=keys).order_by("pk")
    if lock:
        rows = rows.select_for_update(of=("self",))
    found = {}
    for key, pk, organization_id, *values in rows.values_list(
        "external_id", "pk", "organization_id", *STORED_FIELDS
    ):
        stored = dict(zip(STORED_FIELDS, values, strict=True))
        found[key] = KnownListing(pk, organization_id, stored)
    return found


def add(rows: Iterable[tuple[CleanRow, int]]) -> None:
    """Insert new listings, each with its organization's primary key."""
    now = timezone.now()
    with connection.cursor() as cursor:
        copy_rows(
            cursor,
            _TABLE,
            _ADDED,
            (
                (row.key, organization_id, *_values(row.values, _DEFAULTS), now, now)
                for row, organization_id in rows
            ),
        )


def change(rows: Sequence[tuple[CleanRow, KnownListing, int]]) -> None:
    """Write the rows' values over the listings; fields that a row lacks stay as they are.

    Must run in the transaction that locked them.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        copy_rows(
            cursor,
            "changed_listings",
            _CHANGED,
            (
                (known.pk, organization_id, *_values(row.values, known.values))
                for row, known, organization_id in rows
            ),
        )
        cursor.execute(_UPDATE, [timezone.now()])
        cursor.execute("DROP TABLE changed_listings")


def _values(given: Mapping[str, Any], others: Mapping[str, Any]) -> list[object]:
    return [storable(given[name]) if name in given else others[name] for name in STORED_FIELDS]
