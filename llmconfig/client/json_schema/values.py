"""JSON's values as JSON compares them: 1 is 1.0, true is no 1, and 19.99 is exactly that."""

from collections.abc import Hashable
from fractions import Fraction
from typing import Any


def exact(number: float) -> Fraction:
    """A number as it was written: 19.99 is 1999 hundredths, not the nearest binary fraction."""
    return Fraction(repr(number)) if isinstance(number, float) else Fraction(number)


def is_multiple(number: float, step: float) -> bool:
    """Whether a number is a whole multiple of a step, both as they were written."""
    if type(number) is int and type(step) is int:
        return number % step == 0
    return (exact(number) / exact(step)).denominator == 1


def key_of(value: Any) -> Hashable:
    """What is equal for two values just when they are equal in JSON."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bool):
        return ("truth", value)
    if isinstance(value, int | float):
        whole = isinstance(value, float) and value.is_integer()
        return ("number", repr(int(value) if whole else value))
    if isinstance(value, dict):
        return ("object", frozenset((name, key_of(each)) for name, each in value.items()))
    return ("array", tuple(map(key_of, value)))
