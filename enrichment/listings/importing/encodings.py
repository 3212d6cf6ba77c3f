"""Recognises a text file's encoding, or refuses the file with its line and the way out.

Nothing is ever replaced by U+FFFD. A byte order mark and valid UTF-8 are certain. Older encodings
are accepted only when exactly one reading makes sense: the letters belong to one language, accents
stand where words have them, and no other encoding reads the same bytes as other plausible words.
"""
# ruff: noqa: RUF001 - letters and marks of many languages are what this is about

import codecs
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import IO

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment.listings.importing.sources import BLOCK_BYTES, OpenedFile
from llmconfig.extras import from_extra

SAMPLE_BYTES = 128 * 1024
MAX_LINE_IN_SAMPLE = 16 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Encodings of Latin letters: Windows' first; the others only where none of those makes sense.
_LATIN = (
    ("cp1252", "cp1250", "cp1254", "cp1257"),
    ("iso8859_15", "iso8859_2", "mac_roman", "cp850", "cp852"),
)
_OTHERS = [
    "cp1251", "koi8_r", "cp866", "cp1253", "cp1255", "cp1256", "shift_jis", "euc_jp", "gb18030",
    "big5", "euc_kr",
]  # fmt: skip
_MARKS_IN_TEXT = "“”‘’„‚«»‹›–—…•€£°§©®™½¼¾·\u00a0\u00ad¡¿´×²ªº"
# The letters beyond ASCII of languages that occur together in one file.
_ALPHABETS = (
    "äöüßàâæçéèêëîïôœùûÿáíñóúãõìò",  # German, French, Spanish, Portuguese, Italian, Dutch, English
    "åäöæøéü",  # Danish, Norwegian, Swedish, Finnish
    "áðéíóúýþæö",  # Icelandic
    "ąćęłńóśźż",  # Polish
    "áäčďéěíĺľňóôŕřšťúůýž",  # Czech, Slovak
    "áéíóöőúüű",  # Hungarian
    "ăâîșțşţ",  # Romanian
    "čćđšž",  # Croatian, Slovenian, Bosnian
    "çğıiöşüâîûİ",  # Turkish
    "ąčęėįšųūž",  # Lithuanian
    "āčēģīķļņšūž",  # Latvian
    "äöõüšž",  # Estonian
)
_LETTERS = tuple(frozenset(letters + letters.upper() + _MARKS_IN_TEXT) for letters in _ALPHABETS)
_UPPER = "ÀÂÄÁÃÅÆÇÉÈÊËÍÎÏÌÑÓÔÖÒÕØÚÛÜÙŸŒÐÝÞĄĆĘŁŃŚŹŻČĎĚŇŘŠŤŮŽŐŰĂȘȚŞŢĐĞİĖĮŲŪĀĒĢĪĶĻŅĹĽŔ"
# What no written word has: a capital after a small letter, a quotation mark or sign inside a word,
# four accented letters in a row.
_NO_WORD = re.compile(
    rf"[a-z][{_UPPER}]|[A-Za-z][„‚“•€£©®™½¼¾¡¿«»§°–—×²](?=[A-Za-z])|[A-Za-z][„‚]|[^\x00-\x7f\W]{{4}}"
)
_WORD = re.compile(r"[^\W\d_]+")
_WAY_OUT = _("Save the file as UTF-8, or name its encoding (--encoding).")


def encoding_of(file: OpenedFile, *, given: str = "") -> str:
    """The name of the codec that reads the whole file without an error.

    Raises BadListings with the line where the encoding isn't `given`, or can't be told for sure.
    """
    if given:
        return _checked(file, _codec(file, given))
    file.content.seek(0)
    head = file.content.read(4096)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return _checked(file, name)
    if name := _utf16_without_mark(head):
        return _checked(file, name)
    trouble = _first_trouble(file, "utf-8")
    if trouble is None:
        return "utf-8"
    return _checked(file, _older_encoding(file, line=trouble[0]))


@contextmanager
def text_of(file: OpenedFile, encoding: str) -> Iterator[IO[str]]:
    """The file's text from its beginning; line ends stay as they are."""
    file.content.seek(0)
    text = TextIOWrapper(file.content, encoding=encoding, newline="")
    try:
        yield text
    finally:
        text.detach()


def _codec(file: OpenedFile, name: str) -> str:
    try:
        found = codecs.lookup(name)
    except LookupError:
        found = None
    if found is None or not found._is_text_encoding:  # noqa: SLF001 - bytes-to-bytes codecs don't fit
        raise file.refused(
            gettext("encoding {name!r} is unknown; examples are utf-8, cp1252, utf-16.").format(
                name=name
            ),
            field="encoding",
        )
    # A mark at the beginning is no part of the first column's name.
    return "utf-8-sig" if found.name == "utf-8" else found.name


def _utf16_without_mark(head: bytes) -> str:
    pairs = len(head) // 2
    if pairs < 2:
        return ""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > 0.4 * pairs and even < 0.05 * pairs:
        return "utf-16-le"
    if even > 0.4 * pairs and odd < 0.05 * pairs:
        return "utf-16-be"
    return ""


def _checked(file: OpenedFile, encoding: str) -> str:
    """The encoding, if it reads the whole file."""
    trouble = _first_trouble(file, encoding)
    if trouble is not None:
        line, reason = trouble
        raise file.refused(
            gettext("is no {encoding}: {reason}. {_way_out}").format(
                encoding=encoding, reason=reason, _way_out=_WAY_OUT
            ),
            line=line,
            field="encoding",
        )
    return encoding


def _first_trouble(file: OpenedFile, encoding: str) -> tuple[int, str] | None:
    """The line of the first bytes that the codec refuses, and what it says about them."""
    decoder = codecs.getincrementaldecoder(encoding)()
    file.content.seek(0)
    line = 1
    while True:
        block = file.content.read(BLOCK_BYTES)
        state = decoder.getstate()
        try:
            line += _line_ends(decoder.decode(block, final=not block))
        except UnicodeError as error:
            decoder.setstate(state)
            start = getattr(error, "start", 0)
            held = len(state[0]) if isinstance(state[0], bytes) else 0
            before = decoder.decode(block[: max(0, start - held)])
            reason = getattr(error, "reason", str(error))
            if isinstance(error, UnicodeDecodeError):
                wrong = error.object[start : start + 4]
                reason = f"{reason} (bytes {wrong.hex(' ')})"
            return line + _line_ends(before), reason
        if not block:
            return None


def _line_ends(text: str) -> int:
    return text.count("\n") or text.count("\r")


def _older_encoding(file: OpenedFile, *, line: int) -> str:
    """An encoding from before Unicode, where exactly one makes sense; raises BadListings."""
    sample, high_bytes, unicode_lines = _beyond_ascii(file)
    if unicode_lines:
        raise file.refused(
            gettext(
                "isn't UTF-8, though other lines are: the file mixes encodings or is damaged. "
                "Mend the line, or name the encoding (--encoding)."
            ),
            line=line,
            field="encoding",
        )
    for group in _LATIN:
        found = _plausible(group, sample, high_bytes)
        if len(set(found.values())) == 1:
            return next(iter(found))
        if found:
            raise _undecided(file, tuple(found), line=line)
    return _non_latin(file, sample, line=line)


def _beyond_ascii(file: OpenedFile) -> tuple[bytes, bytes, int]:
    """Lines that aren't ASCII, the file's bytes above 127, and how many such lines are UTF-8."""
    sample, high, unicode_lines = bytearray(), set[int](), 0
    file.content.seek(0)
    while block := file.content.readline(MAX_LINE_IN_SAMPLE):
        if block.isascii():
            continue
        high.update(block)
        unicode_lines += _is_utf8(block)
        if len(sample) < SAMPLE_BYTES:
            sample += block
    return bytes(sample), bytes(sorted(byte for byte in high if byte > 127)), unicode_lines


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _plausible(encodings: tuple[str, ...], sample: bytes, high_bytes: bytes) -> dict[str, str]:
    """Those that read the bytes as one language's letters, with what they read."""
    found = {}
    for encoding in encodings:
        try:
            characters = high_bytes.decode(encoding)
            text = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
        if any(letters.issuperset(characters) for letters in _LETTERS):
            beyond = sum(not character.isascii() for character in text)
            if 20 * len(_NO_WORD.findall(text)) <= beyond:
                found[encoding] = characters
    return found


def _non_latin(file: OpenedFile, sample: bytes, *, line: int) -> str:
    """Cyrillic, Greek, Hebrew, Arabic and East Asian encodings, by charset-normalizer."""
    with from_extra("listings"):
        from charset_normalizer import from_bytes  # noqa: PLC0415 - few files need it

    matches = list(from_bytes(sample, cp_isolation=_OTHERS))
    readable = [match for match in matches if _is_written(str(match))]
    if readable and readable[0].chaos <= 0.1:
        rivals = [match for match in readable[1:] if match.chaos < readable[0].chaos + 0.08]
        if not rivals:
            return readable[0].encoding
        raise _undecided(
            file, (readable[0].encoding, *(match.encoding for match in rivals)), line=line
        )
    raise _undecided(file, (), line=line)


def _is_written(text: str) -> bool:
    """Words of one script each, as people write them, and no unassigned characters."""
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    mixed = sum(any(letter.isascii() for letter in word) for word in words)
    odd = sum(
        unicodedata.category(character) in {"Cn", "Co", "Cc"}
        for character in set(text) - set("\r\n\t\0")
    )
    return bool(words) and 20 * mixed <= len(words) and not odd


def _undecided(file: OpenedFile, encodings: tuple[str, ...], *, line: int) -> Exception:
    """Says how the line would read, so that a person can choose."""
    file.content.seek(0)
    raw = b""
    for _line in range(line):
        raw = file.content.readline(MAX_LINE_IN_SAMPLE)
    readings = []
    for encoding in encodings:
        word = next(
            (w for w in _WORD.findall(raw.decode(encoding, "replace")) if not w.isascii()), ""
        )
        if word:
            readings.append(f"{encoding} reads {word[:30]!r}")
    which = f": {', '.join(readings)}" if readings else ""
    return file.refused(
        gettext(
            "isn't UTF-8, and its encoding can't be told for sure{readings}. Name the encoding"
            " (--encoding), or save the file as UTF-8."
        ).format(readings=which),
        line=line,
        field="encoding",
    )
