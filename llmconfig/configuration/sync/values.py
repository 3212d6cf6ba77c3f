"""Reading single values of YAML strictly: text, numbers, money, switches and choices."""

import re
from collections.abc import Callable
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

import yaml
from msgspec import Struct

from llmconfig.configuration.sync.strict_yaml import TAG, invalid, line_of

KINDS = {"str": "text", "bool": "true or false", "int": "a whole number", "float": "a number"}
MAX_INTEGER = 2_147_483_647  # PostgreSQL's integer
DECIMAL_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")
DECIMAL_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
MONEY = re.compile(r"[0-9]{1,12}(\.[0-9]*)?")
LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
Reader = Callable[[yaml.Node, str], Any]


class FieldRule(Struct, frozen=True):
    """How one field is read from its YAML node, and the value that `null` means."""

    read: Reader
    blank: Any


def is_null(node: yaml.Node) -> bool:
    """Whether `null` stands here."""
    return bool(node.tag == f"{TAG}null")


def shown(value: object) -> str:
    """A value as YAML would write it, short enough for one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    text = repr(value) if not isinstance(value, str) else f'"{value}"'
    text = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return text if len(text) <= 60 else f"{text[:57]}…{text[-1]}"


def scalar(node: yaml.Node, field: str, wanted: str) -> tuple[str, str]:
    """The kind (`str`, `int` …) and the text of a single value; lists and mappings are refused."""
    if isinstance(node, yaml.ScalarNode):
        return str(node.tag).removeprefix(TAG), str(node.value)
    kind = "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
    raise invalid(f"{kind} can't stand here; write {wanted}.", line=line_of(node), field=field)


def text(node: yaml.Node, field: str) -> str:
    """Text that a database can store."""
    kind, value = scalar(node, field, "text")
    if kind != "str":
        raise invalid(
            f'{value} is read as {KINDS.get(kind, "a date")}; for text write "{value}".',
            line=line_of(node),
            field=field,
        )
    if "\x00" in value or LONE_SURROGATE.search(value):
        raise invalid(
            "holds a character that no database stores (\\0 or half of a pair).",
            line=line_of(node),
            field=field,
        )
    return value


def switch(node: yaml.Node, field: str) -> bool:
    """True or false."""
    kind, value = scalar(node, field, "true or false")
    if kind != "bool" or value.lower() not in {"true", "false"}:
        raise invalid(
            f"{shown(value)} is not a switch; write true or false, without quotes.",
            line=line_of(node),
            field=field,
        )
    return value.lower() == "true"


def whole_number(node: yaml.Node, field: str, *, least: int = 1, most: int = MAX_INTEGER) -> int:
    """A whole number within bounds."""
    kind, value = scalar(node, field, "a whole number")
    if kind == "str":
        raise invalid(
            f"{shown(value)} is text; write a whole number without quotes, such as 2000.",
            line=line_of(node),
            field=field,
        )
    if kind != "int" or not DECIMAL_INTEGER.fullmatch(value):
        raise invalid(
            f"{value} is not a whole number; write digits only, such as 2000.",
            line=line_of(node),
            field=field,
        )
    # The length first: Python refuses to read a number of thousands of digits.
    if len(value) > 11 or not least <= int(value) <= most:
        raise invalid(
            f"{value[:20]} is out of range; use {least} to {most}.",
            line=line_of(node),
            field=field,
        )
    return int(value)


def money(node: yaml.Node, field: str) -> str:
    """US dollars, not negative, as text without needless zeros, so that no digit is lost."""
    kind, value = scalar(node, field, "a number")
    if kind not in {"int", "float"} or not MONEY.fullmatch(value):
        raise invalid(
            f"{shown(value)} is no amount; write US dollars such as 0.15, without quotes.",
            line=line_of(node),
            field=field,
        )
    return plain_money(Decimal(value))


def plain_money(amount: Decimal) -> str:
    """An amount as `money` gives it."""
    return format(amount.normalize() + 0, "f")


def choice(values: list[str], *, what: str) -> Reader:
    """One of these words."""

    def read(node: yaml.Node, field: str) -> str:
        value = text(node, field)
        if value not in values:
            near = get_close_matches(value, values, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Use {', '.join(values)}."
            raise invalid(f"{shown(value)} is no {what}. {hint}", line=line_of(node), field=field)
        return value

    return read
