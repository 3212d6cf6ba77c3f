"""Providers' own words, made fit for records: without keys, control characters, or length."""

import base64
import re
from urllib.parse import quote

from llmconfig.secrets import MASK, Secret

LONGEST = 300
# A run of this many characters of a key counts as a part of it.
WINDOW = 8
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def clean(text: str, key: Secret | None) -> str:
    """One printable line of at most 300 characters that holds no part of the key."""
    line = _UNPRINTABLE.sub(" ", text[: LONGEST * 10]).strip()
    return without_key(line, key)[:LONGEST]


def without_key(text: str, key: Secret | None) -> str:
    """The text with the key masked: whole, URL-encoded, in base64, or in pieces of 8 characters."""
    if not key or not text:
        return text
    value = key.reveal()
    if len(value) < WINDOW:
        return text.replace(value, MASK)
    hidden = [False] * len(text)
    for form in (value, quote(value, safe=""), *_in_base64(value)):
        for start in range(len(form) - WINDOW + 1):
            _hide(text, form[start : start + WINDOW], hidden)
    if not any(hidden):
        return text
    return re.sub("\0+", MASK, "".join("\0" if h else c for c, h in zip(text, hidden, strict=True)))


def _hide(text: str, piece: str, hidden: list[bool]) -> None:
    at = text.find(piece)
    while at >= 0:
        hidden[at : at + len(piece)] = [True] * len(piece)
        at = text.find(piece, at + 1)


def _in_base64(value: str) -> list[str]:
    """The forms that the key takes inside longer base64, whatever stands before it."""
    forms = []
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value.encode()).decode().rstrip("=")
        inner = encoded[(0, 2, 3)[before] : len(encoded) - 1]
        forms += [inner, inner.replace("+", "-").replace("/", "_")]
    return forms
