"""What the enrichments of listings share: plain text from published text, and a row's facts."""

import html
import re
from collections.abc import Mapping
from typing import Any

MAX_CHARACTERS = 12_000  # the longest real listing has 9,555
# Of a published text with its markup; the rest isn't looked at, so that no row holds others up.
MAX_PUBLISHED = 200_000
_TAG = re.compile(r"<[^<>]{0,500}>")
# What is a single plain space already is passed over: most of them are.
_SPACES = re.compile(r"[^\S\n]{2,}|[^\S\n ]")
_BLANK_LINES = re.compile(r"\n\s*\n\s*")
# Control characters (NUL among them) and lone surrogates carry nothing and break what follows.
_UNUSABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
UNKNOWN = "unknown"


def plain(text: str | None) -> str:
    """Published text without markup: entities (also double-escaped), tags and odd spaces gone."""
    if not text:
        return ""
    text = text[:MAX_PUBLISHED]
    for _ in range(3):  # the sources escape once or twice
        unescaped = html.unescape(text)
        if unescaped == text:
            break
        text = unescaped
    text = _UNUSABLE.sub(" ", _TAG.sub(" ", text))
    return _BLANK_LINES.sub("\n\n", _SPACES.sub(" ", text)).strip()[:MAX_CHARACTERS]


def yes_no(value: bool | None) -> str:
    """Unknown is not no."""
    return UNKNOWN if value is None else "yes" if value else "no"


def facts(row: Mapping[str, Any]) -> str:
    """The structured columns in one line a model can read; unknown ones are left out."""
    breed = " / ".join(filter(None, (row["breed"], row["breed_secondary"])))
    stated = {
        "breed": f"{breed} mix" if breed and row["mixed"] else breed,
        "age": row["age"],
        "sex": row["sex"],
        "size": row["size"],
        "good with children": yes_no(row["good_with_children"]),
        "good with dogs": yes_no(row["good_with_dogs"]),
        "good with cats": yes_no(row["good_with_cats"]),
        "house-trained": yes_no(row["house_trained"]),
        "special needs": yes_no(row["special_needs"]),
    }
    return "; ".join(
        f"{name}: {value}" for name, value in stated.items() if value and value != UNKNOWN
    )


FACT_COLUMNS = (
    "breed",
    "breed_secondary",
    "mixed",
    "age",
    "sex",
    "size",
    "good_with_children",
    "good_with_dogs",
    "good_with_cats",
    "house_trained",
    "special_needs",
)
