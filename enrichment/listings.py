"""Imports listings from CSV: new ones are added, known ones updated, bad rows reported."""

import csv
import gzip
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.text import slugify

from enrichment.errors import BadListings
from enrichment.models import Animal, Organization

REQUIRED = ("id", "org_id", "organization", "name", "description")
TEXT_COLUMNS = (
    "source", "name", "species", "breed", "breed_secondary", "age", "sex", "size", "coat", "color",
    "health", "fee", "city", "state", "country", "status", "url", "description",
)  # fmt: skip
SWITCH_COLUMNS = (
    "mixed", "fixed", "house_trained", "special_needs", "shots_current", "good_with_children",
    "good_with_dogs", "good_with_cats",
)  # fmt: skip
UPDATED = (*TEXT_COLUMNS, *SWITCH_COLUMNS, "posted", "organization")
ROWS_TOGETHER = 500
MAX_CELL_LENGTH = 16 * 1024 * 1024
_SWITCHES: Mapping[str, bool | None] = {"true": True, "false": False, "": None}
_NO_COLON = re.compile(r"([+-]\d{2})(\d{2})$")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out: its line in the file, and why."""

    line: int
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What an import did."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    bad: list[BadRow] = field(default_factory=list)


def import_listings(path: Path, *, limit: int | None = None) -> ImportReport:
    """Read a CSV (or .gz of one) with the shipped columns; safe to repeat.

    Raises BadListings when the file can't be read or lacks a column. A bad row is reported and
    left out; the others go in.
    """
    report = ImportReport()
    with _opened(path) as lines:
        reader = csv.DictReader(_without_nul(lines), strict=True)
        _check_header(path, reader.fieldnames)
        rows = _valid_rows(path, reader, report)
        wanted = islice(rows, limit) if limit else rows
        while together := list(islice(wanted, ROWS_TOGETHER)):
            _store(together, report)
    return report


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    opener: Any = gzip.open if path.suffix == ".gz" else open
    csv.field_size_limit(MAX_CELL_LENGTH)
    try:
        with opener(path, mode="rt", encoding="utf-8-sig", errors="replace", newline="") as file:
            yield file
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadListings(f"{path}: can't be read: {reason}.", field="file") from error


def _without_nul(lines: IO[str]) -> Iterator[str]:
    """PostgreSQL refuses NUL, and it says nothing in a listing."""
    return (line.replace("\0", "") for line in lines)


def _check_header(path: Path, columns: Any) -> None:
    missing = [name for name in REQUIRED if name not in (columns or ())]
    if missing:
        raise BadListings(
            f"{path}: column {missing[0]!r} is missing; needed are {', '.join(REQUIRED)}.",
            field=missing[0],
        )


def _valid_rows(
    path: Path, reader: "csv.DictReader[str]", report: ImportReport
) -> Iterator[dict[str, Any]]:
    while True:
        try:
            raw = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadListings(f"{path}, line {reader.line_num}: {error}.", field="file") from error
        try:
            yield _parsed(raw)
        except ValueError as error:
            report.bad.append(BadRow(reader.line_num, str(error)))


def _parsed(raw: Mapping[str, str | None]) -> dict[str, Any]:
    """A row as Animal's values plus its organization's; raises ValueError naming the column."""
    for column in ("id", "name"):
        if not (raw.get(column) or "").strip():
            raise ValueError(f"{column} is empty")
    slug = slugify(raw.get("organization") or "")
    organization = (raw.get("org_id") or "").strip() or slug
    if not organization:
        raise ValueError("org_id and organization are both empty")
    values: dict[str, Any] = {"external_id": _fits("external_id", (raw["id"] or "").strip())}
    for column in TEXT_COLUMNS:
        values[column] = _fits(column, raw.get(column) or "")
    values["species"] = values["species"] or "dog"
    for column in SWITCH_COLUMNS:
        word = (raw.get(column) or "").strip().lower()
        if word not in _SWITCHES:
            raise ValueError(f"{column} is {word!r}, not true, false or empty")
        values[column] = _SWITCHES[word]
    values["posted"] = _moment((raw.get("posted") or "").strip())
    values["org_id"] = organization
    values["org_slug"] = slug or slugify(organization)
    return values


def _fits(column: str, text: str) -> str:
    longest = getattr(Animal._meta.get_field(column), "max_length", None)  # noqa: SLF001 - documented
    if longest is not None and len(text) > longest:
        raise ValueError(f"{column} has {len(text)} characters; {longest} fit")
    return text


def _moment(text: str) -> Any:
    if not text:
        return None
    try:
        moment = parse_datetime(_NO_COLON.sub(r"\1:\2", text))
    except ValueError as error:
        raise ValueError(f"posted is {text!r}: {error}") from error
    if moment is None:
        raise ValueError(f"posted is {text!r}, not an ISO 8601 date and time")
    if moment.tzinfo is None:
        raise ValueError(f"posted is {text!r}; it lacks its time zone")
    return moment


@transaction.atomic
def _store(rows: list[dict[str, Any]], report: ImportReport) -> None:
    by_id = {row["external_id"]: row for row in rows}  # the last one of a repeated id counts
    organizations = _organizations(rows)
    known = {
        animal.external_id: animal
        for animal in Animal.objects.filter(external_id__in=by_id).select_for_update()
    }
    added, changed = [], []
    for external_id, row in by_id.items():
        organization = organizations[row.pop("org_id")]
        row.pop("org_slug")
        animal = known.get(external_id)
        if animal is None:
            added.append(Animal(organization=organization, **row))
        elif _change(animal, {**row, "organization": organization}):
            changed.append(animal)
    Animal.objects.bulk_create(added)
    Animal.objects.bulk_update(changed, UPDATED)
    report.added += len(added)
    report.updated += len(changed)
    report.unchanged += len(by_id) - len(added) - len(changed)


def _change(animal: Animal, values: Mapping[str, Any]) -> bool:
    different = [name for name, value in values.items() if getattr(animal, name) != value]
    for name in different:
        setattr(animal, name, values[name])
    return bool(different)


def _organizations(rows: list[dict[str, Any]]) -> dict[str, Organization]:
    wanted = {row["org_id"]: row["org_slug"] for row in rows}
    Organization.objects.bulk_create(
        (
            Organization(
                external_id=key, slug=slug[:100], name=slug.replace("-", " ").title()[:200]
            )
            for key, slug in wanted.items()
        ),
        ignore_conflicts=True,
    )
    return {each.external_id: each for each in Organization.objects.filter(external_id__in=wanted)}
