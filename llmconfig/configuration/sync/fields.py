"""The fields of a node that YAML may give: what each accepts, and what stands for blank."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import yaml

from llmconfig.configuration.sync.strict_yaml import invalid, line_of
from llmconfig.models import InteractionType
from llmconfig.models.providers import NAME_RULE

# Values are JSON-ready, so that `synced_values` can hold them: text, number, bool, list or None.
KINDS = {"str": "text", "bool": "true or false", "int": "a whole number", "float": "a number"}
TAG = "tag:yaml.org,2002:"
MAX_REFERENCE_LENGTH = 200
MAX_INTEGER = 2_147_483_647  # PostgreSQL's integer
MAX_FALLBACKS = 20
DECIMAL_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")
DECIMAL_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
NOT_IN_A_NAME = re.compile(r"[\s\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one field is read from its YAML node, and the value that `null` means."""

    read: Callable[[yaml.Node, str], Any]
    blank: Any


def read_field(node: yaml.Node, *, name: str, field: str) -> Any:
    """The value of a known field; `field` is `node.field` for the error's text.

    Raises NodesFileInvalid for a wrong type or a value out of range.
    """
    rule = RULES[name]
    return rule.blank if _is_null(node) else rule.read(node, field)


def blank(name: str) -> Any:
    """The value of a field that nobody has set."""
    return RULES[name].blank


def nearest(name: str) -> str:
    """The known field that a misspelt one most likely means, blank if none comes near."""
    if f"default_{name}" in RULES:
        return f"default_{name}"
    return next(iter(get_close_matches(name, RULES, n=1)), "")


def _is_null(node: yaml.Node) -> bool:
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


def _scalar(node: yaml.Node, field: str, wanted: str) -> tuple[str, str]:
    """The kind (`str`, `int` …) and the text of a single value; lists and mappings are refused."""
    if isinstance(node, yaml.ScalarNode):
        return str(node.tag).removeprefix(TAG), str(node.value)
    kind = "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
    raise invalid(f"{kind} can't stand here; write {wanted}.", line=line_of(node), field=field)


def _text(node: yaml.Node, field: str) -> str:
    kind, value = _scalar(node, field, "text")
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


def _reference(node: yaml.Node, field: str) -> str:
    """A model reference, or blank."""
    value = _text(node, field)
    problem = ""
    if len(value) > MAX_REFERENCE_LENGTH:
        problem = f"longer than {MAX_REFERENCE_LENGTH} characters."
    elif NOT_IN_A_NAME.search(value):
        problem = f"{shown(value)} has a space in it; a model reference has none."
    elif value and (value.startswith("/") or value.endswith(("/", ":")) or value == "tier:"):
        problem = f"{shown(value)} is cut off; write provider/model, a model id or tier:name."
    if problem:
        raise invalid(problem, line=line_of(node), field=field)
    return value


def _fallbacks(node: yaml.Node, field: str) -> list[str]:
    if not isinstance(node, yaml.SequenceNode):
        raise invalid(
            'must be a list of model references, such as ["gpt-4o-mini", "tier:local"].',
            line=line_of(node),
            field=field,
        )
    if len(node.value) > MAX_FALLBACKS:
        raise invalid(f"more than {MAX_FALLBACKS}.", line=line_of(node), field=field)
    references = []
    for each in node.value:
        reference = "" if _is_null(each) else _reference(each, field)
        if not reference:
            raise invalid("a fallback can't be blank; remove it.", line=line_of(each), field=field)
        references.append(reference)
    return references


def _provider(node: yaml.Node, field: str) -> str:
    value = _text(node, field)
    if value and not re.match(NAME_RULE.regex, value):
        raise invalid(
            f"{shown(value)} is no provider's name. {NAME_RULE.message}",
            line=line_of(node),
            field=field,
        )
    return value


def _interaction_type(node: yaml.Node, field: str) -> str:
    value = _text(node, field)
    if value not in InteractionType.values:
        near = get_close_matches(value, InteractionType.values, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Use {', '.join(InteractionType.values)}."
        raise invalid(
            f"{shown(value)} is no interaction type. {hint}", line=line_of(node), field=field
        )
    return value


def _temperature(node: yaml.Node, field: str) -> float:
    kind, value = _scalar(node, field, "a number from 0 to 2")
    if kind == "str":
        raise invalid(
            f"{shown(value)} is text; write a number without quotes, such as 0.2.",
            line=line_of(node),
            field=field,
        )
    if kind not in {"int", "float"} or not DECIMAL_NUMBER.fullmatch(value):
        raise invalid(f"{value} is not a number from 0 to 2.", line=line_of(node), field=field)
    number = float(value)
    if not 0 <= number <= 2:
        raise invalid(f"{value} is out of range; use 0 to 2.", line=line_of(node), field=field)
    return abs(number)  # -0.0 is 0


def _max_tokens(node: yaml.Node, field: str) -> int:
    kind, value = _scalar(node, field, "a whole number")
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
    if len(value) > 11 or not 1 <= int(value) <= MAX_INTEGER:
        raise invalid(
            f"{value[:20]} is out of range; use 1 to {MAX_INTEGER}.",
            line=line_of(node),
            field=field,
        )
    return int(value)


def _switch(node: yaml.Node, field: str) -> bool:
    kind, value = _scalar(node, field, "true or false")
    if kind != "bool" or value.lower() not in {"true", "false"}:
        raise invalid(
            f"{shown(value)} is not a switch; write true or false, without quotes.",
            line=line_of(node),
            field=field,
        )
    return value.lower() == "true"


# In the order in which an export prints them.
RULES: Mapping[str, FieldRule] = {
    "interaction_type": FieldRule(_interaction_type, InteractionType.REASONING.value),
    "provider": FieldRule(_provider, ""),
    "default_model": FieldRule(_reference, ""),
    "default_temperature": FieldRule(_temperature, None),
    "default_max_tokens": FieldRule(_max_tokens, None),
    "langsmith_tracing": FieldRule(_switch, False),
    "description": FieldRule(_text, ""),
    "azure_model": FieldRule(_reference, ""),
    "azure_temperature": FieldRule(_temperature, None),
    "azure_max_tokens": FieldRule(_max_tokens, None),
    "fallbacks": FieldRule(_fallbacks, []),
    "allow_unlisted_models": FieldRule(_switch, False),
}
