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
_AS_LETTERS = str.maketrans("013457!$|", "oieastisi")
_MIXED = re2.compile(r"\b[0-9]?[a-z]+[013457][a-z0-9]*\b|\b[013457][a-z]{3,}[a-z0-9]*\b")
_SIGNS = re2.compile(r"[!$|][a-z]{3,}|[a-z]{1,20}[!$|][a-z]{1,20}")
# What is in all that these find, in UTF-8, as RE2 reads it: without edges of words, which cost it
# its quick way in a text that isn't all ASCII.
_IN_APART = rb"(?:[a-z][.*_-]){3}[a-z]|(?:[a-z] ){3}[a-z]"
_IN_MIXED = rb"[a-z][013457]|[013457][a-z]{3}"
_IN_SIGNS = rb"[!$|][a-z]{3}|[a-z][!$|][a-z]"
_MAY_BE_DISGUISED = re2.compile(b"|".join((_IN_APART, _IN_MIXED, _IN_SIGNS)))
_MAY_BE_APART = re2.compile(_IN_APART)
_MAY_BE_MIXED = re2.compile(_IN_MIXED)
_MAY_BE_SIGNS = re2.compile(_IN_SIGNS)
# Letters of other alphabets that look like ours.
_LOOKALIKES = str.maketrans("аеорсухіјѕԁӏһкмтвнαεορυικτνβ", "aeopcyxijsdlhkmtbhaeopuiktvb")
_MIXED_SCRIPTS = re2.compile(r"[a-z][а-яіјѕα-ω]|[а-яіјѕα-ω][a-z]")
_BASE64 = re2.compile(rb"[A-Za-z0-9+/]{16,400}={0,2}")
# What is in each lower-cased text in ASCII in which any of these finds something.
REMARKABLE = b"|".join((_IN_APART, _IN_MIXED, _IN_SIGNS, rb"[a-z0-9+/]{16}"))
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
    text = lowered
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
        if _MIXED_SCRIPTS.search(text):
            text = text.translate(_LOOKALIKES)
    places: list[int] = []
    encoded = text.encode()
    if _MAY_BE_DISGUISED.search(encoded) is None:  # as nearly always
        return text, places if text == lowered else None

    def as_letters(found: "re2._Match[str]") -> str:
        places.append(found.start())
        return str(found[0].translate(_AS_LETTERS))

    if _MAY_BE_APART.search(encoded):
        text = _APART.sub(lambda found: _BETWEEN.sub("", found[0]), text)
    same = text == lowered
    for may_be, disguised in ((_MAY_BE_MIXED, _MIXED), (_MAY_BE_SIGNS, _SIGNS)):
        if may_be.search(text.encode()):
            text = str(disguised.sub(as_letters, text))
    return text, places if same else None


def hidden_texts(text: str) -> Iterator[str]:
    """Texts that are hidden as Base64."""
    for encoded in _BASE64.findall(text.encode()):
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
