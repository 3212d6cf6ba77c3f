"""How likely the values in a JSON answer were, from the probabilities of their tokens.

A value's likelihood is the geometric mean over the tokens that spell it: braces, keys and the
model's own figure for its confidence say nothing about the value, and a long value is not less sure
for being long.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from json.decoder import scanstring  # type: ignore[attr-defined]  # it has no types

from llmconfig.client.types import Tokens

DIGITS = 4


def likelihoods(text: str, tokens: Tokens, *, key: str, values: Sequence[str]) -> list[float]:
    """From 0 to 1, one for each of the values that stand under `key` in the answer, in order.

    Nothing at all when they can't be told for every one: no tokens, tokens of another text, or
    other values.
    """
    if not tokens or not values:
        return []
    before = b"".join(token for token, _ in tokens).find(text.encode(errors="replace"))
    found = [(value, start, end) for name, value, start, end in _strings(text) if name == key]
    if before < 0 or [value for value, _, _ in found] != list(values):
        return []
    ends = list(accumulate(len(token) for token, _ in tokens))
    told = []
    for _, start, end in found:
        first = before + len(text[:start].encode(errors="replace"))
        last = before + len(text[:end].encode(errors="replace"))
        # The tokens that hold any byte of it; a blank value has none of its own.
        spelled = tokens[bisect_right(ends, first) : bisect_right(ends, max(first, last - 1)) + 1]
        told.append(round(math.exp(math.fsum(each for _, each in spelled) / len(spelled)), DIGITS))
    return told


def _strings(text: str) -> Iterator[tuple[str, str, int, int]]:
    """The strings that are values: under which key, the value, and where its content stands."""
    at, name = text.find('"'), ""
    while at >= 0:
        try:
            value, end = scanstring(text, at + 1, False)
        except ValueError:
            return
        if text[end:].lstrip()[:1] == ":":
            name = value
        else:
            yield name, value, at + 1, end - 1
        at = text.find('"', end)
