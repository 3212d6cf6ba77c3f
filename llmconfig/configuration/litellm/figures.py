"""Figures and words of a LiteLLM file in our own terms: numbers, times, prices, references."""

import os
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from llmconfig.configuration.sync.sections import in_order
from llmconfig.configuration.sync.values import plain_money

ENVIRONMENT = "os.environ/"
MAX_WHOLE = 2_147_483_647
MAX_TIMEOUT = 3600.0
# LiteLLM's costs are US dollars a token, ours a million of them.
LONG_RATES = frozenset(
    {
        "input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost",
        "cache_creation_input_token_cost", "cache_creation_input_token_cost_above_1hr",
    }
)  # fmt: skip
RATES = {
    "input_cost_per_token": ("input_per_1m", 0),
    "output_cost_per_token": ("output_per_1m", 0),
    "cache_read_input_token_cost": ("cached_input_per_1m", 0),
    "cache_creation_input_token_cost": ("cache_write_per_1m", 0),
    "cache_creation_input_token_cost_above_1hr": ("cache_write_1h_per_1m", 0),
    "output_cost_per_reasoning_token": ("reasoning_per_1m", 0),
    "input_cost_per_audio_token": ("audio_input_per_1m", 0),
    "output_cost_per_audio_token": ("audio_output_per_1m", 0),
}
# The same above so many thousands of a prompt's tokens.
RATES |= {
    f"{name}_above_{thousands}k_tokens": (column, thousands * 1000)
    for thousands in (100, 128, 200, 272, 512)
    for name, (column, _) in tuple(RATES.items())
    if name in LONG_RATES
}
MILLION = Decimal(1_000_000)


class Unusable(Exception):
    """A deployment that can't come in; the text says why, with the way out where there is one."""


def mapping(value: object) -> Mapping[str, Any]:
    """The value, if it is a mapping; else an empty one."""
    return {str(name): each for name, each in value.items()} if isinstance(value, dict) else {}


def whole(value: object, *, least: int = 1) -> int | None:
    """A whole number within our columns; None for what is none."""
    try:
        number = int(str(value))
    except ValueError:
        return None
    return number if least <= number <= MAX_WHOLE else None


def resolved(value: object) -> str:
    """Text, read from the environment where it says `os.environ/NAME`; raises Unusable."""
    text = str(value).strip()
    if not text.startswith(ENVIRONMENT):
        return text
    name = text.removeprefix(ENVIRONMENT)
    found = os.environ.get(name, "")
    if not found:
        raise Unusable(f"the variable {name} is not set; set it and import again")
    return found


def slug(text: str) -> str:
    """A text as a part of a provider's name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def rate(value: object) -> str | None:
    """US dollars a million tokens, from those a token."""
    try:
        amount = (Decimal(str(value)) * MILLION).quantize(Decimal("0.000001"))
    except InvalidOperation:
        return None
    return plain_money(amount) if amount.is_finite() and 0 <= amount < MILLION else None


def prices(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A deployment's costs as a model's prices."""
    found: dict[int, dict[str, Any]] = {}
    for name, (column, above) in RATES.items():
        found_rate = rate(facts[name]) if facts.get(name) is not None else None
        if found_rate is not None:
            row = found.setdefault(above, {"above_prompt_tokens": above})
            row[column] = found_rate
    return in_order(list(found.values()))


def temperature(value: object) -> float | None:
    """A temperature from 0 to 2; None for what is none."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if 0 <= number <= 2 else None


NO_TIMEOUT = "it is no number of seconds from 0.1, or names a variable that isn't set"


def seconds(value: object) -> float | None:
    """A timeout that a provider may have; longer ones are brought to the longest."""
    try:
        found = float(resolved(value)) if value is not None else 0.0
    except (ValueError, Unusable):
        return None
    return min(found, MAX_TIMEOUT) if found >= 0.1 else None
