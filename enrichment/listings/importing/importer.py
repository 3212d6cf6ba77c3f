"""The import: one function for the command, for a browser's upload, and for its preview."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO

from django.db import transaction
from django.utils.translation import gettext
from msgspec import Struct, field

from enrichment.listings.errors import BadListings
from enrichment.listings.importing import dates, writing
from enrichment.listings.importing.cleaning import Cleaner, CleanRow, OrganizationRef
from enrichment.listings.importing.comparison import (
    FieldChange,
    KnownListing,
    changes,
    check_addable,
    storable,
)
from enrichment.listings.importing.delimited import DelimitedRows, separator_named
from enrichment.listings.importing.encodings import encoding_of
from enrichment.listings.importing.json_rows import JsonRows
from enrichment.listings.importing.mapping import MOMENT_FIELD, field_of, map_columns
from enrichment.listings.importing.organizations import ImportedOrganizations
from enrichment.listings.importing.report import MAX_NOTES, ImportReport
from enrichment.listings.importing.rows import BadRow, FileFacts, FileRows, RawRow
from enrichment.listings.importing.sources import (
    DEFAULT_MAX_BYTES,
    JSON_LINES,
    XLSX,
    OpenedFile,
    format_of,
    opened,
)
from enrichment.listings.importing.sources import JSON as JSON_FORMAT
from enrichment.listings.importing.spreadsheets import SheetRows
from llmconfig.runtime.records import replace

ROWS_TOGETHER = 2000

Progress = Callable[[int, int], None]  # rows done, rows in all
NewRow = tuple[CleanRow, int]  # with its organization's primary key
ChangedRow = tuple[CleanRow, KnownListing, int]


class ImportOptions(Struct, frozen=True, kw_only=True):
    """How to read a file where it can't be seen from the file; blank means: find out.

    `mapping` is from the file's column to a field of FIELDS, or to blank for a column to ignore;
    `order` is `dmy` or `mdy`; `max_bytes` bounds the file when it is unpacked. New listings for
    which the file names no organization go to the one called `organization`, if given.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str = ""
    separator: str = ""
    order: str = ""
    sheet: str = ""
    organization: str = ""
    max_bytes: int = DEFAULT_MAX_BYTES


class _Survey(Struct, frozen=True):
    """What a first pass over the file saw."""

    rows: int
    last_lines: Mapping[str, int]  # where each id comes last
    order: str


def import_listings(
    source: Path | IO[bytes],
    *,
    limit: int | None = None,
    dry_run: bool = False,
    options: ImportOptions | None = None,
    on_progress: Progress | None = None,
) -> ImportReport:
    """Add and change listings from CSV, TSV, JSON, JSON lines or XLSX, also gzipped.

    Safe to repeat: what is the same already is not written. Columns that the file lacks stay as
    they are. A row that can't be used is left out and reported with its line; the others go in.
    `limit` takes only the first rows that can be used; `dry_run` writes nothing. `on_progress` is
    called with the rows done and the rows in all.

    Raises BadListings, before anything is written, when the file can't be read: its message names
    the line and the way out, its `field` the option concerned.
    """
    given = options or ImportOptions()
    if given.order and given.order not in dates.ORDERS:
        raise BadListings(
            gettext("dates: {order!r} is neither dmy nor mdy.").format(order=given.order),
            field="dates",
        )
    with opened(source, max_bytes=given.max_bytes) as file:
        rows = _rows_of(file, given)
        columns = map_columns(rows.columns, given.mapping)
        survey = _surveyed(
            rows, Cleaner(columns, order=""), columns.columns.get(MOMENT_FIELD), given
        )
        report = ImportReport(rows.facts, dry_run, dict(columns.columns), columns.ignored)
        _note_sheets(report)
        cleaner = Cleaner(columns, order=survey.order)
        work = _Import(report, survey, cleaner, owner=given.organization.strip(), dry_run=dry_run)
        work.run(rows, limit=limit, on_progress=on_progress)
    return report


class FileColumns(Struct, frozen=True):
    """A file's columns, each with the field that its name means; blank where it means none."""

    facts: FileFacts
    fields: Mapping[str, str]


def read_columns(source: Path | IO[bytes], *, options: ImportOptions | None = None) -> FileColumns:
    """The columns of a file, so that a person can say what each is; nothing is imported.

    Raises BadListings when the file can't be read.
    """
    given = options or ImportOptions()
    with opened(source, max_bytes=given.max_bytes) as file:
        rows = _rows_of(file, given)
        return FileColumns(rows.facts, {column: field_of(column) for column in rows.columns})


def _rows_of(file: OpenedFile, options: ImportOptions) -> FileRows:
    """The reader for the file's format."""
    form = format_of(file)
    if form == XLSX:
        return SheetRows(file, sheet=options.sheet)
    encoding = encoding_of(file, given=options.encoding)
    if form in {JSON_FORMAT, JSON_LINES}:
        return JsonRows(file, encoding=encoding, lines=form == JSON_LINES)
    separator = separator_named(options.separator) if options.separator else ""
    return DelimitedRows(
        file, encoding=encoding, separator=separator, mapped=frozenset(options.mapping)
    )


def _surveyed(
    rows: FileRows, cleaner: Cleaner, moment_column: str | None, options: ImportOptions
) -> _Survey:
    """Read the file once without writing, so that one that is broken changes nothing."""
    count, last_lines, orders = 0, dict[str, int](), set[str]()
    for row in rows:
        count += 1
        if isinstance(row, BadRow):
            continue
        last_lines[cleaner.key_of(row)] = row.line
        if moment_column and isinstance(text := row.cells.get(moment_column), str):
            orders.add(dates.order_evidence(text))
    orders.discard("")
    order = options.order or (orders.pop() if len(orders) == 1 else "")
    return _Survey(count, last_lines, order)


def _note_sheets(report: ImportReport) -> None:
    if report.source.other_sheets:
        others = ", ".join(report.source.other_sheets)
        report.notes.append(
            gettext("Sheet {sheet!r} was read; the file also has {others} (--sheet).").format(
                sheet=report.source.sheet, others=others
            )
        )


class _Import:
    """One run over the rows: cleaned, compared and written some thousand at a time."""

    def __init__(
        self,
        report: ImportReport,
        survey: _Survey,
        cleaner: Cleaner,
        *,
        owner: str,
        dry_run: bool,
    ) -> None:
        self._report, self._survey, self._cleaner = report, survey, cleaner
        self._owner = OrganizationRef("", owner) if owner else None
        self._dry_run = dry_run
        self._organizations = ImportedOrganizations(dry_run=dry_run)
        self._read = 0

    def run(self, rows: FileRows, *, limit: int | None, on_progress: Progress | None) -> None:
        """Take all rows, or the first `limit` of those that can be used."""
        usable = self._cleaned(rows)
        wanted = islice(usable, limit) if limit else usable
        while together := list(islice(wanted, ROWS_TOGETHER)):
            self._store(together)
            if on_progress:
                on_progress(self._read, self._survey.rows)
        self._report.organizations_added = self._organizations.added
        self._report.notes += self._organizations.notes[:MAX_NOTES]
        self._report.bad.sort(key=lambda row: row.line)

    def _cleaned(self, rows: FileRows) -> Iterator[CleanRow]:
        for row in rows:
            self._read += 1
            if isinstance(row, BadRow):
                self._report.bad.append(row)
                continue
            try:
                yield self._clean(row)
            except ValueError as error:
                self._report.bad.append(BadRow(row.line, str(error)))

    def _clean(self, row: RawRow) -> CleanRow:
        clean = self._cleaner.clean(row)
        last = self._survey.last_lines.get(clean.key, row.line)
        if last != row.line:
            raise ValueError(
                gettext("id {key!r} comes again in line {line}; the last one counts").format(
                    key=clean.key, line=last
                )
            )
        return clean

    def _store(self, rows: list[CleanRow]) -> None:
        """Compare and write in one transaction, in which the rows are locked."""
        if self._dry_run:
            self._compare(rows)
            return
        with transaction.atomic():
            writing.wait_for_other_imports()
            added, changed = self._compare(rows)
            if added:
                writing.add(added)
            if changed:
                writing.change(changed)

    def _compare(self, rows: list[CleanRow]) -> tuple[list[NewRow], list[ChangedRow]]:
        known = writing.known_listings([row.key for row in rows], lock=not self._dry_run)
        rows = [row if row.key in known else self._owned(row) for row in rows]
        usable = [row for row in rows if row.key in known or self._is_addable(row)]
        found = self._organizations.find(row.organization for row in usable if row.organization)
        added, changed = list[NewRow](), list[ChangedRow]()
        for row in usable:
            organization = found[row.organization].pk if row.organization else None
            there = known.get(row.key)
            if there is None:
                added.append((row, organization or 0))
                self._report.show(row.line, row.key, _all_new(row), is_new=True)
            elif different := self._different(row, there, organization):
                changed.append((row, there, organization or there.organization_id))
                self._report.show(row.line, row.key, different, is_new=False)
        self._report.added += len(added)
        self._report.updated += len(changed)
        return added, changed

    def _owned(self, row: CleanRow) -> CleanRow:
        """A new row, with an organization where its file names none."""
        return row if row.organization else replace(row, organization=self._owner)

    def _is_addable(self, row: CleanRow) -> bool:
        try:
            check_addable(row)
        except ValueError as error:
            self._report.bad.append(BadRow(row.line, str(error)))
            return False
        return True

    def _different(
        self, row: CleanRow, known: KnownListing, organization_id: int | None
    ) -> list[FieldChange]:
        """The changes, counted as unchanged or reported as bad where there are none to write."""
        try:
            different = changes(row, known, organization_id=organization_id)
        except ValueError as error:
            self._report.bad.append(BadRow(row.line, str(error)))
            return []
        self._report.unchanged += not different
        return different


def _all_new(row: CleanRow) -> list[FieldChange]:
    return [
        FieldChange(name, None, storable(value))
        for name, value in row.values.items()
        if value not in {"", None}
    ]
