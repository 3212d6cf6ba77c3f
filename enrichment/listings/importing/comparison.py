"""Compares a row with the listing that is there: what is new, changed, or would do damage."""

import datetime as dt
import re
from collections.abc import Mapping

from django.utils import timezone
from django.utils.translation import gettext
from msgspec import Struct

from enrichment.listings.importing.cleaning import CleanRow, Value, missing_to_add
from enrichment.listings.importing.dates import Day
from enrichment.listings.importing.mapping import MOMENT_FIELD, SWITCH_FIELDS, TEXT_FIELDS

STORED_FIELDS = (*TEXT_FIELDS, *SWITCH_FIELDS, MOMENT_FIELD)
_REPLACEMENT = "\ufffd"
# Letters of Latin languages, in UTF-8 that was read as cp1252 or Latin-1.
_TWICE = re.compile(
    "[\u00c2-\u00c5][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
)


class KnownListing(Struct, frozen=True):
    """A listing as the database has it; `values` are by STORED_FIELDS."""

    pk: int
    organization_id: int
    values: Mapping[str, Value]


class FieldChange(Struct, frozen=True):
    """A field's value before and after."""

    field: str
    before: object
    after: object


def check_addable(row: CleanRow) -> None:
    """Raises ValueError where a new listing lacks what it needs."""
    missing = missing_to_add(row)
    if missing:
        raise ValueError(
            gettext("it is new, and the file lacks this for it: {fields}").format(
                fields=", ".join(missing)
            )
        )


def changes(
    row: CleanRow, known: KnownListing, *, organization_id: int | None
) -> list[FieldChange]:
    """The fields in which the row says something else; only fields that its file has.

    `organization_id` is None for one that is still to be made. Raises ValueError where a readable
    text would be replaced by one that lost characters before it came here.
    """
    found = []
    before = known.values
    for field, value in row.values.items():
        old = before[field]
        if old == value or (isinstance(value, Day) and _is_on(old, value)):
            continue
        if isinstance(value, str) and (lost := _lost(value, str(old))):
            raise ValueError(
                gettext(
                    "{field} has {lost} where the listing has readable text: the file lost"
                    " characters before it came here"
                ).format(field=field, lost=lost)
            )
        found.append(FieldChange(field, old, value))
    if row.organization is not None and known.organization_id != organization_id:
        found.append(FieldChange("organization", known.organization_id, organization_id))
    return found


def _lost(text: str, before: str) -> str:
    """What a text has in place of characters that are there now; blank where none is lost."""
    if _REPLACEMENT in text and _REPLACEMENT not in before:
        return "U+FFFD"
    if "?" in text and len(text) == len(before) and not before.isascii() and text != before:
        pairs = zip(text, before, strict=True)
        if all(new == old or (new == "?" and not old.isascii()) for new, old in pairs):
            return gettext("question marks")
    if _TWICE.search(text) and not _TWICE.search(before):
        return gettext("{text!r}, encoded twice,").format(text=_TWICE.findall(text)[0])
    return ""


def _is_on(moment: Value, day: Day) -> bool:
    """Whether a stored time is on this day: the file then only says less."""
    if not isinstance(moment, dt.datetime):
        return False
    return timezone.localtime(moment).date() == day.date or moment.date() == day.date


def storable(value: Value) -> object:
    """The value as PostgreSQL stores it."""
    return value.begins() if isinstance(value, Day) else value
