"""Which column of a file goes into which field of a listing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from django.utils.translation import gettext
from msgspec import Struct

from enrichment.listings.errors import BadListings

KEY = "id"
ORGANIZATION_ID, ORGANIZATION = "org_id", "organization"
MOMENT_FIELD = "posted"
TEXT_FIELDS = (
    "source", "name", "species", "breed", "breed_secondary", "age", "sex", "size", "coat", "color",
    "health", "fee", "city", "state", "country", "status", "url", "description",
)  # fmt: skip
SWITCH_FIELDS = (
    "mixed", "fixed", "house_trained", "special_needs", "shots_current", "good_with_children",
    "good_with_dogs", "good_with_cats",
)  # fmt: skip
FIELDS = (KEY, ORGANIZATION_ID, ORGANIZATION, *TEXT_FIELDS, *SWITCH_FIELDS, MOMENT_FIELD)
# Without these nothing can be added; listings that are known can be changed without them.
NEEDED_TO_ADD = ("name", "description")
_ALIASES = {"external_id": KEY}
_BETWEEN_WORDS = re.compile(r"[\s\-]+")


class ColumnMap(Struct, frozen=True):
    """The file's columns by the field they fill, and those that fill none."""

    columns: Mapping[str, str]  # by field
    ignored: tuple[str, ...]


def field_of(column: str) -> str:
    """The field with this column's name, in any case, with spaces or hyphens; blank for none."""
    name = _BETWEEN_WORDS.sub("_", column.strip().casefold())
    name = _ALIASES.get(name, name)
    return name if name in FIELDS else ""


def known_columns(columns: Iterable[str], mapped: frozenset[str]) -> int:
    """How many columns have a field, by their names or by a mapping."""
    return sum(bool(column in mapped or field_of(column)) for column in columns)


def map_columns(columns: Sequence[str], given: Mapping[str, str]) -> ColumnMap:
    """Fields by name, with `given` (column to field, blank to ignore it) going first.

    Raises BadListings when `given` names a column or field that isn't there, when a field would be
    filled twice, or when no column holds the id.
    """
    for column, field in given.items():
        _check_given(column, field, columns)
    chosen = {column: given.get(column, field_of(column)) for column in columns}
    # A column that was mapped by hand takes its field from one that has its name by chance.
    by_hand = {_ALIASES.get(field, field) for field in given.values() if field}
    found: dict[str, str] = {}
    for column, wanted in chosen.items():
        field = _ALIASES.get(wanted, wanted)
        if not field or (field in by_hand and column not in given):
            continue
        if field in found:
            raise BadListings(
                gettext(
                    "columns {found!r} and {column!r} would both fill {field}: say which with "
                    "--map, or leave one out with --map '{column}='."
                ).format(found=found[field], column=column, field=field),
                field="map",
            )
        found[field] = column
    if KEY not in found:
        raise BadListings(_no_key(columns), field=KEY)
    filled = set(found.values())
    return ColumnMap(found, tuple(column for column in columns if column not in filled))


def _check_given(column: str, field: str, columns: Sequence[str]) -> None:
    if column not in columns:
        close = get_close_matches(column, columns, 1)
        said = (
            gettext("map: the file has no column {column!r}; did you mean {names!r}?")
            if close
            else gettext("map: the file has no column {column!r}; it has {names}.")
        )
        raise BadListings(
            said.format(column=column, names=close[0] if close else ", ".join(columns[:30])),
            field="map",
        )
    if field and _ALIASES.get(field, field) not in FIELDS:
        close = get_close_matches(field, FIELDS, 1)
        said = (
            gettext("map: listings have no field {field!r}; did you mean {names}?")
            if close
            else gettext("map: listings have no field {field!r}; there are {names}.")
        )
        raise BadListings(
            said.format(field=field, names=close[0] if close else ", ".join(FIELDS)),
            field="map",
        )


def _no_key(columns: Sequence[str]) -> str:
    close = next((match for match in get_close_matches(KEY, columns, 1, 0.5)), "")
    hint = (
        gettext("Perhaps --map '{column}=id'.").format(column=close)
        if close
        else gettext("Name it with --map COLUMN=id.")
    )
    said = gettext(
        "column 'id' is missing: it tells which listing a row is. The file has {names}. {hint}"
    )
    return said.format(names=", ".join(repr(column) for column in columns[:30]), hint=hint)
