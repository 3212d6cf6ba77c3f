"""The fields of a node that YAML may give: what each accepts, and what stands for blank."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import yaml

from llmconfig.configuration.sync.strict_yaml import invalid, line_of
from llmconfig.configuration.sync.values import (
    DECIMAL_NUMBER,
    FieldRule,
    Reader,
    choice,
    is_null,
    scalar,
    shown,
    switch,
    text,
    whole_number,
)
from llmconfig.models import ApplyAfter, CascadeScore, InteractionType
from llmconfig.models.providers import NAME_RULE

# Values are JSON-ready, so that `synced_values` can hold them: text, number, bool, list or None.
MAX_REFERENCE_LENGTH = 200
MAX_FALLBACKS = 20
NOT_IN_A_NAME = re.compile(r"[\s\x00-\x1f\x7f]")


def read_field(node: yaml.Node, *, rule: FieldRule, field: str) -> Any:
    """The value of a known field; `field` is `node.field` for the error's text.

    Raises NodesFileInvalid for a wrong type or a value out of range.
    """
    return rule.blank if is_null(node) else rule.read(node, field)


def blank(name: str) -> Any:
    """The value of a field that nobody has set."""
    return RULES[name].blank


def nearest(name: str) -> str:
    """The known field that a misspelt one most likely means, blank if none comes near."""
    if f"default_{name}" in RULES:
        return f"default_{name}"
    return next(iter(get_close_matches(name, RULES, n=1)), "")


def _reference(node: yaml.Node, field: str) -> str:
    """A model reference, or blank."""
    value = text(node, field)
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
        reference = "" if is_null(each) else _reference(each, field)
        if not reference:
            raise invalid("a fallback can't be blank; remove it.", line=line_of(each), field=field)
        references.append(reference)
    return references


def _provider(node: yaml.Node, field: str) -> str:
    value = text(node, field)
    if value and not re.match(NAME_RULE.regex, value):
        raise invalid(
            f"{shown(value)} is no provider's name. {NAME_RULE.message}",
            line=line_of(node),
            field=field,
        )
    return value


def _number(least: float, most: float, *, such_as: str) -> Reader:
    """A number within bounds."""
    bounds = f"{least:g} to {most:g}"

    def read(node: yaml.Node, field: str) -> float:
        kind, value = scalar(node, field, f"a number from {bounds}")
        if kind == "str":
            raise invalid(
                f"{shown(value)} is text; write a number without quotes, such as {such_as}.",
                line=line_of(node),
                field=field,
            )
        if kind not in {"int", "float"} or not DECIMAL_NUMBER.fullmatch(value):
            raise invalid(
                f"{value} is not a number from {bounds}.", line=line_of(node), field=field
            )
        number = float(value)
        if not least <= number <= most:
            raise invalid(
                f"{value} is out of range; use {bounds}.", line=line_of(node), field=field
            )
        return abs(number)  # -0.0 is 0

    return read


_temperature = _number(0, 2, such_as="0.2")


# In the order in which an export prints them.
RULES: Mapping[str, FieldRule] = {
    "interaction_type": FieldRule(
        choice(InteractionType.values, what="interaction type"), InteractionType.REASONING.value
    ),
    "provider": FieldRule(_provider, ""),
    "default_model": FieldRule(_reference, ""),
    "default_temperature": FieldRule(_temperature, None),
    "default_max_tokens": FieldRule(whole_number, None),
    "langsmith_tracing": FieldRule(switch, False),
    "description": FieldRule(text, ""),
    "azure_model": FieldRule(_reference, ""),
    "azure_temperature": FieldRule(_temperature, None),
    "azure_max_tokens": FieldRule(whole_number, None),
    "fallbacks": FieldRule(_fallbacks, []),
    "cascade_model": FieldRule(_reference, ""),
    "cascade_score": FieldRule(choice(CascadeScore.values, what="score of a cascade"), ""),
    "cascade_target": FieldRule(_number(0.5, 0.999, such_as="0.95"), None),
    "cascade_miss": FieldRule(_number(0.001, 0.5, such_as="0.05"), None),
    "cascade_audits": FieldRule(_number(0.01, 0.9, such_as="0.3"), None),
    "judge_rubric": FieldRule(text, ""),
    "judge_model": FieldRule(_reference, ""),
    "apply_after": FieldRule(choice(ApplyAfter.values, what="way to apply answers"), ""),
    "allow_unlisted_models": FieldRule(switch, False),
}
