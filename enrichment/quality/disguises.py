"""Words that are disguised so that a model reads them and a person doesn't notice."""

# ruff: noqa: RUF001 - letters that look alike are the point here

import base64
import binascii
import unicodedata
from collections.abc import Iterator

import re2

# What is put between or in place of letters, to be read by a model and found by nobody.
_INVISIBLE = re2.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
# Letters one by one, with signs or spaces between them.
_APART = re2.compile(r"\b(?:(?:[a-z][.*_-]){3,40}|(?:[a-z] ){3,40})[a-z]\b")
_BETWEEN = re2.compile("[ .*_-]")
_AS_LETTERS = bytes.maketrans(b"013457!$|", b"oieastisi")
_MIXED = re2.compile(rb"\b[0-9]?[a-z]+[013457][a-z0-9]*\b|\b[013457][a-z]{3,}[a-z0-9]*\b")
_SIGNS = re2.compile(rb"[!$|][a-z]{3,}|[a-z]{1,20}[!$|][a-z]{1,20}")
# What is in all that these find, in UTF-8, as RE2 reads it: without edges of words, which cost it
# its quick way in a text that isn't all ASCII.
_IN_APART = rb"(?:[a-z][.*_-]){3}[a-z]|(?:[a-z] ){3}[a-z]"
_IN_MIXED = rb"[a-z][013457]|[013457][a-z]{3}"
_IN_SIGNS = rb"[!$|][a-z]{3}|[a-z][!$|][a-z]"
_MAY_BE_APART = re2.compile(_IN_APART)
_MAY_BE_MIXED = re2.compile(_IN_MIXED)
_MAY_BE_SIGNS = re2.compile(_IN_SIGNS)
# Letters of other alphabets that look like ours.
_LOOKALIKES = str.maketrans("аеорсухіјѕԁӏһкмтвнαεορυικτνβ", "aeopcyxijsdlhkmtbhaeopuiktvb")
_IN_MIXED_SCRIPTS = "[a-z][а-яіјѕα-ω]|[а-яіјѕα-ω][a-z]".encode()
_MIXED_SCRIPTS = re2.compile(_IN_MIXED_SCRIPTS)
_MAY_BE_DISGUISED = re2.compile(b"|".join((_IN_APART, _IN_MIXED, _IN_SIGNS, _IN_MIXED_SCRIPTS)))
_BASE64 = re2.compile(rb"[A-Za-z0-9+/]{16,400}={0,2}")
# Four times four letters that come to ASCII: the highest bit of each of the three bytes is 0.
_IN_READABLE_BASE64 = (
    b"(?:[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/]){4}"
)
_MAY_BE_READABLE = re2.compile(_IN_READABLE_BASE64)
# What is in each text in ASCII, as it stands there, in which any of these finds something.
REMARKABLE = (
    b"(?i:" + b"|".join((_IN_APART, _MIXED.pattern, _IN_SIGNS)) + b")|" + _IN_READABLE_BASE64
)
# Words for a model backwards, and thirteen letters on.
TURNED = ("snoitcurtsni", "erongi", "tpmorp", "dragersid", "vafgehpgvba", "vtaber", "cebzcg")
MIN_READABLE = 0.95  # of the signs that a hidden text is decoded to


def plainly(lowered: str) -> str:
    """A lower-cased text with disguised words as they are meant to be read."""
    return undisguised(lowered)[0]


def undisguised(lowered: str) -> tuple[str, list[int] | None]:
    """A lower-cased text with disguised words as they are meant to be read.

    With the places of those that have signs in place of letters; None where more has changed.
    """
    text = lowered if lowered.isascii() else _visible(lowered)
    encoded = text.encode()
    if _MAY_BE_DISGUISED.search(encoded) is None:  # as nearly always
        return text, [] if text == lowered else None
    if not text.isascii() and _MIXED_SCRIPTS.search(encoded):
        text = text.translate(_LOOKALIKES)
    if _MAY_BE_APART.search(text.encode()):
        text = _APART.sub(lambda found: _BETWEEN.sub("", found[0]), text)
    meant, places = _with_letters(text.encode())
    if text != lowered:
        return meant.decode(), None
    if not text.isascii():  # in characters, not in bytes
        places = [len(meant[:at].decode()) for at in places]
    return meant.decode(), places


def _visible(text: str) -> str:
    """A text in its usual characters, without those that nobody sees."""
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    # What is printable is visible.
    return text if text.replace("\n", "").isprintable() else _INVISIBLE.sub("", text)


def _with_letters(text: bytes) -> tuple[bytes, list[int]]:
    """A text with letters for the signs that look like them, and the places of such words."""
    places: list[int] = []

    def as_letters(found: "re2._Match[bytes]") -> bytes:
        places.append(found.start())
        return bytes(found[0].translate(_AS_LETTERS))

    for may_be, disguised in ((_MAY_BE_MIXED, _MIXED), (_MAY_BE_SIGNS, _SIGNS)):
        if may_be.search(text):
            text = disguised.sub(as_letters, text)
    return text, places


def hidden_texts(text: str) -> Iterator[str]:
    """Texts that are hidden as Base64."""
    raw = text.encode()
    if _MAY_BE_READABLE.search(raw) is None:  # as nearly always
        return
    for encoded in _BASE64.findall(raw):
        found = encoded.decode()
        if found.isalpha() and (found.islower() or found.istitle()):
            continue  # a long word
        try:
            read = base64.b64decode(found[: len(found) // 4 * 4]).decode("ascii")
        except (binascii.Error, ValueError):
            continue
        letters = sum(each.isalpha() or each in " ,.:'" for each in read)
        if " " in read and letters >= MIN_READABLE * len(read):
            yield f"{found[:40]} ({read[:80]})"
