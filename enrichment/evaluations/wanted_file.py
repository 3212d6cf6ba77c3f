"""A file of wanted answers: CSV with the columns row_id and wanted, as spreadsheets save it."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext

from enrichment.errors import BadSelection

ROW, WANTED = "row_id", "wanted"
SEPARATORS = ",;\t"
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class WantedLine:
    """A row's key and the wanted answer as they stand in the file; `number` is where it ends."""

    number: int
    row_id: str
    wanted: str


def text_of(raw: bytes) -> str:
    """The text of UTF-8, or of UTF-16 with its mark; raises BadSelection for anything else."""
    try:
        return raw.decode("utf-16" if raw.startswith(UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError as error:
        said = gettext("file: it isn't UTF-8. Save it as CSV UTF-8 and choose it again.")
        raise BadSelection(said, field="file") from error


def lines_of(text: str) -> Iterator[WantedLine]:
    """Each line below the header; commas, semicolons or tabs part the cells.

    Raises BadSelection, with the line, for a file that can be read in more than one way.
    """
    text = text.removeprefix("\ufeff")
    header = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=max(SEPARATORS, key=header.count), strict=True
    )
    try:
        columns = [each.strip() for each in next(reader, [])]
        if Counter(columns)[ROW] != 1 or Counter(columns)[WANTED] != 1:
            raise _refused(gettext("its first line must name the columns row_id and wanted."))
        row_at, wanted_at = columns.index(ROW), columns.index(WANTED)
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(columns):
                said = gettext("line {line} has {cells} cells, the first line {columns}.").format(
                    line=reader.line_num, cells=len(cells), columns=len(columns)
                )
                raise _refused(said)
            yield WantedLine(reader.line_num, cells[row_at].strip(), cells[wanted_at])
    except csv.Error as error:
        said = gettext("line {line}: a quotation mark is open, or stands within a cell.").format(
            line=reader.line_num
        )
        raise _refused(said) from error


def _refused(said: str) -> BadSelection:
    return BadSelection(f"file: {said}", field="file")
