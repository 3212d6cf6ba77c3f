"""Published text as plain text: without markup, control characters and odd spaces."""

import html
import re

MAX_CHARACTERS = 12_000  # the longest real listing has 9,555
# Of a published text with its markup; the rest isn't looked at, so that no row holds others up.
MAX_PUBLISHED = 200_000
_TAG = re.compile(r"<[^<>]{0,500}>")
# What is a single plain space already is passed over: most of them are.
_SPACES = re.compile(r"[^\S\n]{2,}|[^\S\n ]")
_BLANK_LINES = re.compile(r"\n\s*\n\s*")
# Control characters (NUL among them) and lone surrogates carry nothing and break what follows.
_UNUSABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def plain(text: str | None) -> str:
    """Published text without markup: entities (also double-escaped), tags and odd spaces gone."""
    if not text:
        return ""
    text = text[:MAX_PUBLISHED]
    for _ in range(3 if "&" in text else 0):  # the sources escape once or twice
        unescaped = html.unescape(text)
        if unescaped == text:
            break
        text = unescaped
    if "<" in text:
        text = _TAG.sub(" ", text)
    # A printable text has no space but the plain one, and nothing unusable.
    if not text.replace("\n", "").isprintable():
        text = _UNUSABLE.sub(" ", text)
        text = _SPACES.sub(" ", text)
    while "  " in text:
        text = text.replace("  ", " ")
    if "\n" in text:
        text = _BLANK_LINES.sub("\n\n", text)
    return text.strip()[:MAX_CHARACTERS]
