"""Cleans a row's cells into a listing's values; what doesn't fit refuses the row with a reason."""

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext
from msgspec import Struct

from enrichment.listings.importing.dates import (
    Day,
    Moment,
    is_no_day,
    moment_of,
    within_years,
)
from enrichment.listings.importing.mapping import (
    FIELDS,
    KEY,
    MOMENT_FIELD,
    NEEDED_TO_ADD,
    ORGANIZATION,
    ORGANIZATION_ID,
    SWITCH_FIELDS,
    TEXT_FIELDS,
    ColumnMap,
)
from enrichment.listings.importing.rows import RawRow
from enrichment.listings.models import Animal, Organization

MAX_SHOWN = 60
Value = str | bool | Moment | None
_TRUE = frozenset({"true", "t", "yes", "y", "1", "ja", "oui", "si", "sí"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "nein", "non"})
_UNKNOWN = frozenset({"", "unknown", "null", "n/a"})
_SLUG_AS_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
_UNSEEN = re.compile("[\u200b-\u200d\u2060\ufeff]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


class OrganizationRef(Struct, frozen=True):
    """A rescue as a row names it; a part that it doesn't say is blank."""

    external_id: str
    name: str

    @property
    def slug(self) -> str:
        """The slug of its name, or of its id; letters of other scripts stay."""
        text = self.name or self.external_id
        return (slugify(text) or slugify(text, allow_unicode=True))[:100]

    @property
    def key(self) -> str:
        """Its id, or one made of its name."""
        if self.external_id or len(self.slug) <= _ORGANIZATION_KEY_LENGTH:
            return self.external_id or self.slug
        digest = hashlib.sha256(self.name.encode()).hexdigest()[:8]
        return f"{self.slug[: _ORGANIZATION_KEY_LENGTH - 9]}-{digest}"

    @property
    def is_written_out(self) -> bool:
        """Whether the name is one that people write, not a slug of one."""
        return bool(self.name) and not _SLUG_AS_NAME.fullmatch(self.name)

    @property
    def shown_name(self) -> str:
        """The name as written; a slug's words with capitals."""
        if self.name and not self.is_written_out:
            return name_from_slug(self.name)
        return self.name or self.external_id


class CleanRow(Struct, frozen=True):
    """A row's values by field, only those that its file gives."""

    line: int
    key: str
    values: Mapping[str, Value]
    organization: OrganizationRef | None


def name_from_slug(slug: str) -> str:
    """The name behind a slug: `cedar-valley-rescue` gives `Cedar Valley Rescue`."""
    return slug.replace("-", " ").title()[:200]


def _max_length(model: type[Animal] | type[Organization], name: str) -> int | None:
    length: int | None = getattr(model._meta.get_field(name), "max_length", None)  # noqa: SLF001 - documented
    return length


_KEY_LENGTH = _max_length(Animal, "external_id")
_ORGANIZATION_KEY_LENGTH = _max_length(Organization, "external_id") or 50


class Cleaner:
    """Cleans the rows of one file.

    `order` says whether day or month comes first in dates such as 03/04/2024; blank refuses them.
    """

    def __init__(self, columns: ColumnMap, *, order: str) -> None:
        self._columns = columns.columns
        by_field: dict[str, Callable[[object], Value]] = {
            **{field: _text_of(_max_length(Animal, field)) for field in TEXT_FIELDS},
            **dict.fromkeys(SWITCH_FIELDS, _switch),
            MOMENT_FIELD: lambda cell: _moment(cell, order),
        }
        self._cleaners = [
            (self._columns[field], field, by_field[field])
            for field in FIELDS
            if field in self._columns and field in by_field
        ]

    def clean(self, row: RawRow) -> CleanRow:
        """The row's values; raises ValueError that names the column and says what is wrong."""
        cells = row.cells
        if self._is_header(cells):
            raise ValueError(gettext("it repeats the header"))
        key = _named(self._columns[KEY], _text_of(_KEY_LENGTH), cells.get(self._columns[KEY]))
        values: dict[str, Value] = {}
        for column, field, cleaned in self._cleaners:
            if column in cells:
                try:
                    values[field] = cleaned(cells[column])
                except ValueError as error:
                    raise ValueError(f"{column} {error}") from error
        key = _bare(str(key))
        if not key:
            raise ValueError(gettext("{column} is empty").format(column=self._columns[KEY]))
        if "name" in values and not str(values["name"]).strip():
            raise ValueError(gettext("{column} is empty").format(column=self._columns["name"]))
        if values.get("species") == "":
            del values["species"]  # the column has a default
        return CleanRow(row.line, key, values, self._organization(cells))

    def _is_header(self, cells: Mapping[str, object]) -> bool:
        """Files that were put together have it again in the middle."""
        given = [column for column in self._columns.values() if column in cells]
        return len(given) > 1 and all(
            isinstance(cell := cells[column], str) and _bare(cell) == column for column in given
        )

    def key_of(self, row: RawRow) -> str:
        """The row's id, blank where it has none that can be used."""
        try:
            return _bare(cell_text(row.cells.get(self._columns[KEY])))
        except ValueError:
            return ""

    def _organization(self, cells: Mapping[str, object]) -> OrganizationRef | None:
        parts = {}
        for field in (ORGANIZATION_ID, ORGANIZATION):
            column = self._columns.get(field)
            if column is not None and column in cells:
                length = 50 if field == ORGANIZATION_ID else 200
                parts[field] = str(_named(column, _text_of(length), cells[column])).strip()
        if not parts:
            return None
        ref = OrganizationRef(parts.get(ORGANIZATION_ID, ""), parts.get(ORGANIZATION, ""))
        if not ref.key:
            empty = [self._columns[field] for field in parts]
            told = (
                gettext("{column} and {other} are both empty").format(
                    column=empty[0], other=empty[1]
                )
                if len(empty) == 2
                else gettext("{column} is empty").format(column=empty[0])
            )
            raise ValueError(told)
        return ref


def _bare(text: str) -> str:
    """Without spaces around it and without what nobody sees: marks of byte order, zero widths."""
    return _UNSEEN.sub("", text).strip()


def missing_to_add(row: CleanRow) -> list[str]:
    """The fields that a new listing needs and the row's file doesn't have."""
    missing = [field for field in NEEDED_TO_ADD if field not in row.values]
    return missing if row.organization else [*missing, ORGANIZATION]


def cell_text(cell: object) -> str:
    """A cell as text: whole numbers without a point, dates as ISO 8601.

    Raises ValueError for lists and for halves of characters (lone surrogates).
    """
    if isinstance(cell, str):
        text = cell.replace("\0", "") if "\0" in cell else cell
        if not text.isascii() and _SURROGATES.search(text):
            raise ValueError(gettext("holds half a character (a lone surrogate)"))
        return text
    if cell is None:
        return ""
    for kind, written in _WRITTEN:
        if isinstance(cell, kind):
            return written(cell)
    raise ValueError(
        gettext("holds a list, not one value")
        if isinstance(cell, list)
        else gettext("holds no text")
    )


def _float_text(cell: Any) -> str:
    return str(int(cell)) if cell.is_integer() else repr(cell)


def _moment_text(cell: Any) -> str:
    is_day = cell.time() == dt.time() and cell.tzinfo is None
    return str(cell.date().isoformat() if is_day else cell.isoformat())


# In this order: a bool is an int, and a datetime is a date.
_WRITTEN: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (bool, lambda cell: str(cell).lower()),
    (int, str),
    (float, _float_text),
    (dt.datetime, _moment_text),
    (dt.date, dt.date.isoformat),
    (dt.time, dt.time.isoformat),
)


def _text_of(length: int | None) -> Callable[[object], str]:
    def clean(cell: object) -> str:
        text = cell_text(cell)
        if length is not None and len(text) > length:
            raise ValueError(
                gettext("has {number} characters; {length} fit").format(
                    number=len(text), length=length
                )
            )
        return text

    return clean


def _named(column: str, clean: Callable[[object], str], cell: object) -> str:
    try:
        return clean(cell)
    except ValueError as error:
        raise ValueError(f"{column} {error}") from error


def _switch(cell: object) -> bool | None:
    word = cell_text(cell).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    if word in _UNKNOWN:
        return None
    raise ValueError(gettext("is {word!r}, not true, false or empty").format(word=word[:MAX_SHOWN]))


def _in_years(moment: Moment) -> Moment:
    try:
        return within_years(moment)
    except ValueError as error:
        raise ValueError(gettext("is out of range: {error}").format(error=error)) from error


def _moment(cell: object, order: str) -> Moment | None:
    if isinstance(cell, dt.datetime):
        if cell.time() == dt.time() and cell.tzinfo is None:
            return _in_years(Day(cell.date()))
        return _in_years(cell if cell.tzinfo else timezone.make_aware(cell))
    if isinstance(cell, dt.date):
        return _in_years(Day(cell))
    text = cell_text(cell).strip()
    if is_no_day(text):
        return None
    try:
        return moment_of(text[:200], order=order)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            gettext("is {text!r}: {error}").format(text=text[:MAX_SHOWN], error=error)
        ) from error
