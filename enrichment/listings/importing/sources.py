"""Opens a file of listings: unpacked, seekable, within a bound, and with its format recognised."""

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from enrichment.listings.errors import BadListings
from llmconfig.configuration.numbers import count

DEFAULT_MAX_BYTES = 256 * 1024 * 1024
MAX_IN_MEMORY = 8 * 1024 * 1024
BLOCK_BYTES = 1024 * 1024
CSV, JSON, JSON_LINES, XLSX = "csv", "json", "jsonl", "xlsx"
_GZIP = b"\x1f\x8b"
# Formats that people send by mistake, by their first bytes, and what to do about it.
_WEB_PAGE = (b"<!doctype html", b"<html", b"<table")
_REFUSED = {
    b"\xd0\xcf\x11\xe0": _("an old or password-protected Excel file: save it as .xlsx or CSV"),
    b"%PDF": _("a PDF: export the table as CSV or .xlsx"),
    b"SQLite format 3": _("an SQLite database: export the table as CSV"),
    b"PAR1": _("a Parquet file: export it as CSV"),
    b"7z\xbc\xaf": _("a 7-Zip archive: unpack it"),
    b"\xfd7zXZ": _("an xz archive: unpack it, or pack it with gzip"),
    b"BZh": _("a bzip2 archive: unpack it, or pack it with gzip"),
    b"\x28\xb5\x2f\xfd": _("a Zstandard archive: unpack it, or pack it with gzip"),
    b"\x1f\x8b": _("a gzip archive within another one: unpack it once"),
    b"\x89PNG": _("a picture: export the table as CSV or .xlsx"),
    b"\xff\xd8\xff": _("a picture: export the table as CSV or .xlsx"),
}


class OpenedFile(Struct, frozen=True):
    """An unpacked file that can be read from its beginning as often as needed."""

    name: str
    content: IO[bytes]
    max_bytes: int

    def refused(self, reason: str, *, line: int = 0, field: str = "file") -> BadListings:
        """The error that names this file, and the line where there is one."""
        place = f"{self.name}, line {line}" if line else self.name
        return BadListings(f"{place}: {reason}", field=field)


@contextmanager
def opened(source: Path | IO[bytes], *, max_bytes: int) -> Iterator[OpenedFile]:
    """The file, or the binary stream of an upload, unpacked when it is gzip.

    Raises BadListings when it can't be read, or has more than `max_bytes` bytes when unpacked.
    """
    name = str(source) if isinstance(source, Path) else str(getattr(source, "name", "") or "upload")
    try:
        if isinstance(source, Path):
            with source.open("rb") as file, _seekable(name, file, max_bytes) as content:
                yield OpenedFile(name, content, max_bytes)
        else:
            with _seekable(name, source, max_bytes) as content:
                yield OpenedFile(name, content, max_bytes)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadListings(
            gettext("{name}: can't be read: {reason}.").format(name=name, reason=reason),
            field="file",
        ) from error


@contextmanager
def _seekable(name: str, file: IO[bytes], max_bytes: int) -> Iterator[IO[bytes]]:
    """The stream itself where it can be read twice; else a copy in a temporary file."""
    if not file.seekable():
        with tempfile.SpooledTemporaryFile(MAX_IN_MEMORY) as copy:
            _copy(name, file, copy, max_bytes)
            with _unpacked(name, copy, max_bytes) as content:
                yield content
        return
    with _unpacked(name, file, max_bytes) as content:
        yield content


@contextmanager
def _unpacked(name: str, file: IO[bytes], max_bytes: int) -> Iterator[IO[bytes]]:
    file.seek(0)
    packed = file.read(len(_GZIP)) == _GZIP
    size = file.seek(0, 2)
    file.seek(0)
    if size > max_bytes:
        raise _too_large(name, max_bytes)
    if not packed:
        yield file
        return
    with tempfile.SpooledTemporaryFile(MAX_IN_MEMORY) as copy, gzip.GzipFile(fileobj=file) as inner:
        _copy(name, cast("IO[bytes]", inner), copy, max_bytes)
        yield cast("IO[bytes]", copy)


def _copy(
    name: str, source: IO[bytes], copy: "tempfile.SpooledTemporaryFile[bytes]", max_bytes: int
) -> None:
    left = max_bytes
    while block := source.read(BLOCK_BYTES):
        left -= len(block)
        if left < 0:
            raise _too_large(name, max_bytes)
        copy.write(block)
    copy.seek(0)


def _too_large(name: str, max_bytes: int) -> BadListings:
    return BadListings(
        gettext(
            "{name}: has more than {number} MB when unpacked. Split the file, or raise the bound"
            " (--max-size)."
        ).format(name=name, number=count(round(max_bytes / 1024**2))),
        field="file",
    )


def format_of(file: OpenedFile) -> str:
    """One of CSV, JSON, JSON_LINES and XLSX, by the content; raises BadListings for others."""
    file.content.seek(0)
    head = file.content.read(4096)
    file.content.seek(0)
    for start, what in _REFUSED.items():
        if head.startswith(start):
            raise file.refused(gettext("this is {what}.").format(what=what))
    if head.startswith(b"PK\x03\x04"):
        return XLSX
    if not head.strip(b"\0\t\r\n \xef\xbb\xbf\xff\xfe"):
        raise file.refused(gettext("it is empty."))
    text = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if text[:14].lower().startswith(_WEB_PAGE):
        raise file.refused(
            gettext("this is a web page: download the table itself, as CSV or .xlsx.")
        )
    if text.startswith(b"<?xml"):
        raise file.refused(gettext("this is XML: export the table as CSV, JSON or .xlsx."))
    if text.startswith(b"["):
        return JSON
    if text.startswith(b"{"):
        return _object_or_lines(file)
    return CSV


def _object_or_lines(file: OpenedFile) -> str:
    """JSON lines when the first line is an object that ends there."""
    name = file.name.lower().removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson")):
        return JSON_LINES
    first = b""
    file.content.seek(0)
    while not first.strip(b"\0\r\n \t\xef\xbb\xbf\xff\xfe"):
        first = file.content.readline()
    file.content.seek(0)
    whole = first.replace(b"\0", b"").rstrip()
    balanced = whole.endswith(b"}") and whole.count(b"{") == whole.count(b"}")
    return JSON_LINES if balanced and not whole.rstrip(b"} ").endswith(b"]") else JSON
