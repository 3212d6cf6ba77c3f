"""Two values beside each other: texts by words, lists by what came and went, objects by field."""

import difflib
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

MAX_WORDS = 4_000  # a comparison takes the square of them
_PIECES = re.compile(r"\s+|,|[^\s,]+")


def readable(value: Any) -> str:
    """A value for people: texts as they are, objects and parts line by line."""
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_line(each)}" for name, each in value.items())
    if isinstance(value, list):
        return "\n".join(_line(each) for each in value)
    return "" if value is None else str(value)


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return " · ".join(str(each) for each in value.values())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def compared(old: str, new: str) -> tuple[SafeString, SafeString]:
    """Both texts, escaped, with the words that only one of them has marked."""
    before, after = _PIECES.findall(old), _PIECES.findall(new)
    if not before or not after or len(before) + len(after) > MAX_WORDS:
        return format_html("{}", old), format_html("{}", new)
    left: list[str] = []
    right: list[str] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        removed, added = "".join(before[start:end]), "".join(after[new_start:new_end])
        if kind == "equal":
            left.append(format_html("{}", removed))
            right.append(format_html("{}", added))
            continue
        left.append(format_html('<del class="nw-before">{}</del>', removed) if removed else "")
        right.append(format_html('<ins class="nw-after">{}</ins>', added) if added else "")
    # Every piece was escaped by format_html above.
    return mark_safe("".join(left)), mark_safe("".join(right))  # noqa: S308


def parts(old: Any, new: Sequence[Any]) -> SafeString:
    """A list's parts, one a line: what is added, removed, and stays; a part is told by its text."""
    before = [_part(each) for each in old] if isinstance(old, list) else []
    after = [_part(each) for each in new]
    lines = [
        *(("nw-after", "ins", gettext("added"), each) for each in after if each not in before),
        *(("nw-before", "del", gettext("removed"), each) for each in before if each not in after),
        *(("nw-kept", "span", "", each) for each in after if each in before),
    ]
    return format_html_join(
        "",
        '<li><{1} class="{0}">{3}</{1}> <small class="nw-subtle">{2}</small></li>',
        ((style, mark_safe(tag), word, text) for style, tag, word, text in lines),  # noqa: S308
    )


def _part(value: Any) -> str:
    """What people know it by: confidences change with each answer, and are no other part."""
    if isinstance(value, dict):
        shown = {name: each for name, each in value.items() if name != "confidence"}
        return _line(shown)
    return _line(value)


def fields(
    old: Any, new: Mapping[str, Any], notes: Mapping[str, str] = MappingProxyType({})
) -> list[tuple[str, SafeString, SafeString, bool, str]]:
    """Each field's name with both values compared, whether they differ, and what is noted of it.

    `notes` are by the fields' names; fields with one come first.
    """
    before = old if isinstance(old, dict) else {}
    found = []
    names = dict.fromkeys([*new, *before])
    for name in sorted(names, key=lambda each: each not in notes):
        was, becomes = _line(before.get(name)), _line(new.get(name))
        left, right = compared(was, becomes)
        found.append((field_label(name), left, right, was != becomes, notes.get(name, "")))
    return found


def field_label(name: str) -> str:
    """A field of an object as people read it."""
    return name.replace("_", " ").capitalize()
