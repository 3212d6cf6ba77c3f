"""Rows of JSON (an array of objects) and of JSON lines (an object a line), with their lines."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from django.utils.translation import gettext

from enrichment.listings.importing.encodings import text_of
from enrichment.listings.importing.rows import BadRow, FileFacts, RawRow
from enrichment.listings.importing.sources import JSON, JSON_LINES, OpenedFile

MAX_COLUMNS = 1000
_NO_SPACE = re.compile(r"[^ \t\r\n]")


class _Repeated(dict[str, Any]):
    """An object with a name that occurs twice; which one counts can't be known."""

    name = ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = [name for name, _ in pairs]
    repeated = _Repeated(found)
    repeated.name = next(name for name in names if names.count(name) > 1)
    return repeated


def _no_number(word: str) -> NoReturn:
    raise ValueError(gettext("{word} is no JSON").format(word=word))


# Numbers stay as they are written: 0.10 is no 0.1 in a fee.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=str, parse_int=str, parse_constant=_no_number
)


class JsonRows:
    """The rows of a JSON document or of JSON lines.

    An object within a row is read as columns with a dot: `organization.name`. Raises BadListings
    when a document is no JSON, or no list of objects.
    """

    def __init__(self, file: OpenedFile, *, encoding: str, lines: bool) -> None:
        self._file, self._encoding, self._lines = file, encoding, lines
        self.facts = FileFacts(JSON_LINES if lines else JSON, encoding.removesuffix("-sig"))
        names: dict[str, None] = {}
        bad: BadRow | None = None
        for row in self:
            if isinstance(row, RawRow):
                names.update(dict.fromkeys(row.cells))
            else:
                bad = bad or row
            if len(names) > MAX_COLUMNS:
                raise file.refused(
                    gettext("has more than {max_columns} names.").format(max_columns=MAX_COLUMNS),
                    line=row.line,
                )
        if not names:
            raise file.refused(
                gettext("no row can be read: {reason}.").format(reason=bad.reason)
                if bad
                else gettext("it has no rows."),
                line=bad.line if bad else 0,
            )
        self.columns = tuple(names)

    def __iter__(self) -> Iterator[RawRow | BadRow]:
        for line, value in self._by_line() if self._lines else self._elements():
            if isinstance(value, BadRow):
                yield value
            elif isinstance(value, _Repeated):
                yield BadRow(
                    line, gettext("{name} occurs twice in the object").format(name=value.name)
                )
            elif isinstance(value, dict):
                yield RawRow(line, _flat(value))
            else:
                yield BadRow(line, _kind(value))

    def _by_line(self) -> Iterator[tuple[int, Any]]:
        with text_of(self._file, self._encoding) as text:
            for number, line in enumerate(text, 1):
                if not line.strip():
                    continue
                try:
                    yield number, _DECODER.decode(line)
                except (ValueError, RecursionError) as error:
                    yield (
                        number,
                        BadRow(
                            number, gettext("it is no JSON: {reason}").format(reason=_said(error))
                        ),
                    )

    def _elements(self) -> Iterator[tuple[int, Any]]:
        """The array's elements, each with the line it begins in."""
        with text_of(self._file, self._encoding) as file:
            text = file.read()
        at, line, counted = self._array(text), 1, 0
        while True:
            at = _after_space(text, at)
            line += text.count("\n", counted, at)
            counted = at
            if text.startswith("]", at):
                if self._ends(text, at):
                    return
                raise self._no_json(
                    text, at, gettext("something follows its end; put all into one list")
                )
            try:
                value, at = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError) as error:
                raise self._no_json(text, getattr(error, "pos", at), _said(error)) from error
            yield line, value
            at = _after_space(text, at)
            if text.startswith(",", at):
                at += 1
            elif not text.startswith("]", at):
                raise self._no_json(text, at, gettext("a comma or ] is missing"))

    def _ends(self, text: str, at: int) -> bool:
        """Whether the document ends with the list that ends there; an object was read before."""
        return not text.startswith("[", _after_space(text)) or not text[at + 1 :].strip()

    def _array(self, text: str) -> int:
        """Where the elements begin: in the document's array, or in an object's only list."""
        at = _after_space(text)
        if text.startswith("[", at):
            return at + 1
        try:
            whole = _DECODER.decode(text)
        except (ValueError, RecursionError) as error:
            raise self._no_json(text, getattr(error, "pos", at), _said(error)) from error
        lists = [name for name, value in whole.items() if isinstance(value, list)]
        if len(lists) != 1:
            raise self._file.refused(
                gettext("is no list of objects, and no object with exactly one list of them.")
            )
        begins = re.search(rf"{re.escape(json.dumps(lists[0]))}\s*:\s*\[", text)
        if begins is None:
            raise self._file.refused(
                gettext("its list {lists!r} can't be found; give the list alone.").format(
                    lists=lists[0]
                )
            )
        return begins.end()

    def _no_json(self, text: str, at: int, said: str) -> Exception:
        line = text.count("\n", 0, at) + 1
        return self._file.refused(gettext("is no JSON: {reason}.").format(reason=said), line=line)


def _after_space(text: str, at: int = 0) -> int:
    """Where the next character stands that is no white space; the end of the text at last."""
    found = _NO_SPACE.search(text, at)
    return found.start() if found else len(text)


def _said(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return gettext("it is nested too deeply")
    return getattr(error, "msg", str(error))


def _flat(row: Mapping[str, Any]) -> dict[str, object]:
    cells: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            cells.update({f"{name}.{inner}": each for inner, each in value.items()})
        else:
            cells[name] = value
    return cells


def _kind(value: object) -> str:
    kinds = {
        list: gettext("it is a list, not an object"),
        bool: gettext("it is true or false, not an object"),
        type(None): gettext("it is null, not an object"),
        str: gettext("it is a text or number, not an object"),
    }
    return kinds.get(type(value), gettext("it is a value, not an object"))
