"""Providers' own words, made fit for records: without keys, control characters, or length."""

import base64
import re
from urllib.parse import quote

from llmconfig.secrets import MASK, Secret

LONGEST = 300
# A run of this many characters of a key counts as a part of it.
WINDOW = 8
# Shorter than this is no key but a placeholder, such as local servers are given.
SHORTEST_KEY = 4
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class Scrubber:
    """Takes one key out of texts: whole, URL-encoded, in base64, or in pieces of 8 characters."""

    __slots__ = ("__pieces", "__window")

    def __init__(self, key: Secret | None) -> None:
        value = key.reveal() if key is not None else ""
        window = self.__window = min(WINDOW, len(value))
        forms = (value, quote(value, safe=""), *_in_base64(value))
        if len(value) < SHORTEST_KEY:
            forms = ()
        self.__pieces = frozenset(
            form[at : at + window] for form in forms for at in range(len(form) - window + 1)
        )

    def clean(self, text: str) -> str:
        """One printable line of at most 300 characters that holds no part of the key."""
        line = _UNPRINTABLE.sub(" ", text[: LONGEST * 10]).strip()
        return self.without_key(line)[:LONGEST]

    def without_key(self, text: str) -> str:
        """The text with each part of the key masked."""
        pieces, window = self.__pieces, self.__window
        if not pieces:
            return text
        found = [at for at in range(len(text)) if text[at : at + window] in pieces]
        if not found:
            return text
        hidden = {at + step for at in found for step in range(window)}
        marked = "".join("\0" if at in hidden else each for at, each in enumerate(text))
        return re.sub("\0+", MASK, marked)


def clean(text: str, key: Secret | None) -> str:
    """`Scrubber.clean`, where it's needed once only."""
    return Scrubber(key).clean(text)


def without_key(text: str, key: Secret | None) -> str:
    """`Scrubber.without_key`, where it's needed once only."""
    return Scrubber(key).without_key(text)


def _in_base64(value: str) -> list[str]:
    """The forms that the key takes inside longer base64, whatever stands before it."""
    forms = []
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value.encode()).decode().rstrip("=")
        inner = encoded[(0, 2, 3)[before] : len(encoded) - 1]
        forms += [inner, inner.replace("+", "-").replace("/", "_")]
    return forms
