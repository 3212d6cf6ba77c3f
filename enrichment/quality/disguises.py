"""Words that are disguised so that a model reads them and a person doesn't notice."""

# ruff: noqa: RUF001 - letters that look alike are the point here

import base64
import binascii
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import re2

from enrichment.quality.patterns import made_later, re2_compiled_later

# What is put between or in place of letters, to be read by a model and found by nobody.
_INVISIBLE = re2_compiled_later("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
# Letters one by one, with signs or spaces between them.
_APART = re2_compiled_later(r"\b(?:(?:[a-z][.*_-]){3,40}|(?:[a-z] ){3,40})[a-z]\b")
_BETWEEN = re2_compiled_later("[ .*_-]")
_AS_LETTERS = bytes.maketrans(b"013457!$|", b"oieastisi")
_MIXED = re2_compiled_later(rb"\b[0-9]?[a-z]+[013457][a-z0-9]*\b|\b[013457][a-z]{3,}[a-z0-9]*\b")
# Signs in place of letters: `[!$|][a-z]{3,}|[a-z]{1,20}[!$|][a-z]{1,20}`.
_SIGNS = b"!$|"
_ONE_SIGN = bytes.maketrans(_SIGNS, b"!!!")
_LETTERS = b"abcdefghijklmnopqrstuvwxyz"
MIN_BEHIND_SIGN, MAX_BESIDE_SIGN = 3, 20  # letters
# What is in all that these find, in UTF-8, as RE2 reads it: without edges of words, which cost it
# its quick way in a text that isn't all ASCII.
_IN_APART = rb"(?:[a-z][.*_-]){3}[a-z]|(?:[a-z] ){3}[a-z]"
_IN_MIXED = rb"[a-z][013457]|[013457][a-z]{3}"
_IN_SIGNS = rb"[!$|][a-z]{3}|[a-z][!$|][a-z]"
# Letters of other alphabets that look like ours.
_LOOKALIKES = str.maketrans("аеорсухіјѕԁӏһкмтвнαεορυικτνβ", "aeopcyxijsdlhkmtbhaeopuiktvb")
_IN_MIXED_SCRIPTS = "[a-z][а-яіјѕα-ω]|[а-яіјѕα-ω][a-z]".encode()
_BASE64 = re2_compiled_later(rb"[A-Za-z0-9+/]{16,400}={0,2}")
# Four times four letters that come to ASCII: the highest bit of each of the three bytes is 0.
_IN_READABLE_BASE64 = (
    b"(?:[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/]){4}"
)
_MAY_BE_READABLE = re2_compiled_later(_IN_READABLE_BASE64)


def searches(*patterns: bytes) -> Callable[[bytes], list[int] | None]:
    """A search that tells in one pass which of some patterns a text in UTF-8 has, by their numbers.

    None for none. It takes half of the time that one takes which tells where, and has room for
    large patterns.
    """
    found: Callable[[bytes], list[int] | None] = _set_of(patterns).Match
    return found


def re2_set_later(*patterns: bytes) -> Any:
    """The same, compiled when its `Match` is first asked."""
    return made_later(patterns, _set_of)


def _set_of(patterns: tuple[bytes, ...]) -> Any:
    options = re2.Options()
    options.max_mem = 64 * 1024**2
    searched = re2.Set.SearchSet(options)
    for each in patterns:
        searched.Add(each)
    searched.Compile()
    return searched


APART, MIXED, SIGNS, MIXED_SCRIPTS = range(4)
_disguises_in = searches(_IN_APART, _IN_MIXED, _IN_SIGNS, _IN_MIXED_SCRIPTS)
# What is in each usual text, in any case, in which any of the first three finds something, or which
# may have a text in Base64.
HIDDEN = 3
remarkable_in = searches(
    *(b"(?i:" + each + b")" for each in (_IN_APART, _MIXED.pattern, _IN_SIGNS)), _IN_READABLE_BASE64
)
# What disguises nothing in a text beyond ASCII: it is no letter, and has no other form.
_TYPOGRAPHIC = frozenset("‘’“”–—•")
_ASCII = bytes(range(128))


def is_usual(text: bytes) -> bool:
    """Whether a text in UTF-8 is in ASCII, but for quotation marks and dashes.

    Then its letters are what they look like.
    """
    strange = text.translate(None, _ASCII)
    return not strange or _TYPOGRAPHIC.issuperset(strange.decode())


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
    text, encoded = lowered, lowered.encode()
    if not lowered.isascii() and not is_usual(encoded):
        text = _visible(lowered)
        encoded = text.encode()
    kinds = _disguises_in(encoded) or ()
    if not kinds:  # as nearly always
        return text, [] if text == lowered else None
    if MIXED_SCRIPTS in kinds:
        text = text.translate(_LOOKALIKES)
        encoded = text.encode()
        kinds = _disguises_in(encoded) or ()
    if APART in kinds:
        text = _APART.sub(lambda found: _BETWEEN.sub("", found[0]), text)
        encoded = text.encode()
        kinds = _disguises_in(encoded) or ()
    plain, places = with_letters(encoded, mixed=MIXED in kinds)
    return plain, places if text == lowered else None


def _visible(text: str) -> str:
    """A text in its usual characters, without those that nobody sees."""
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    # What is printable is visible.
    return text if text.replace("\n", "").isprintable() else _INVISIBLE.sub("", text)


def with_letters(text: bytes, *, mixed: bool) -> tuple[str, list[int]]:
    """A lower-cased text in UTF-8 with letters for signs that look like them.

    With the places of such words, in characters. `mixed`: figures may stand for letters in it, too.
    """
    places: list[int] = []

    def as_letters(found: "re2._Match[bytes]") -> bytes:
        places.append(found.start())
        return bytes(found[0].translate(_AS_LETTERS))

    if mixed:
        text = _MIXED.sub(as_letters, text)
    text = _without_signs(text, places)
    if places and not text.isascii():
        places = [len(text[:at].decode()) for at in places]
    return text.decode(), places


def _without_signs(text: bytes, places: list[int]) -> bytes:
    """A text with letters for signs that stand beside letters; adds the places of such words."""
    signs = text.translate(_ONE_SIGN)
    at, end = signs.find(b"!"), 0
    read = bytearray(text)
    while at >= 0:
        if text[at + 1 : at + 2].islower():
            before = text[max(end, at - MAX_BESIDE_SIGN) : at]
            before = before[len(before.rstrip(_LETTERS)) :]
            rest = text[at + 1 : at + 1 + MAX_BESIDE_SIGN if before else None]
            behind = len(rest) - len(rest.lstrip(_LETTERS))
            if before or behind >= MIN_BEHIND_SIGN:
                places.append(at - len(before))
                read[at] = _AS_LETTERS[text[at]]
                end = at + 1 + behind
        at = signs.find(b"!", at + 1)
    return bytes(read)


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
