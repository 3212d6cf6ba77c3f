"""How likely the values in a JSON answer were, from the probabilities of their tokens.

A value's likelihood is the geometric mean over the tokens that spell it: braces, keys and the
model's own figure for its confidence say nothing about the value, and a long value is not less sure
for being long.

A grammar that made the model obey a schema leaves it no choice in places, and servers tell
probabilities there all the same: 1 after the grammar has taken every other token away, or what the
model thought before, which may be next to nothing. Neither says how sure the model was, so such
tokens are left out, and a value of which no other is left is unknown.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from json.decoder import scanstring  # type: ignore[attr-defined]  # it has no types

from enrichment.quality.patterns import compiled_later
from llmconfig.client.types import Tokens

DIGITS = 4
# A model that may choose takes a token this unlikely once in a thousand times, so none was chosen.
MIN_CHOSEN = math.log(0.001)
_COLON = compiled_later(r"\s*:")


def likelihoods(
    text: str,
    tokens: Tokens,
    *,
    key: str,
    values: Sequence[str],
    choices: Sequence[str] = (),
) -> list[float]:
    """From 0 to 1, one for each of the values that stand under `key` in the answer, in order.

    The last ones count where a draft stands before the answer. `choices` are the only values that
    the schema allows there, if it names them. Nothing at all when likelihoods can't be told for
    every value: no tokens, tokens of another text, other values, or tokens that were forced.
    """
    if not tokens or not values:
        return []
    found = [(value, start, end) for name, value, start, end in _strings(text) if name == key]
    found = found[-len(values) :]
    places = _Places(text, tokens)
    if not places.found or [value for value, _, _ in found] != list(values):
        return []
    told = []
    for value, start, end in found:
        # A blank value has no token of its own but the one that ends it.
        decided = min(end, start + _decided_after(value, choices)) if value else end + 1
        likely = _likelihood([tokens[at][1] for at in places.between(start, decided)])
        if likely is None:
            return []
        told.append(likely)
    return told


def _likelihood(logprobs: Sequence[float]) -> float | None:
    """The geometric mean; None where the model had no choice."""
    if not logprobs or min(logprobs) < MIN_CHOSEN or not any(logprobs):
        return None
    return round(math.exp(math.fsum(logprobs) / len(logprobs)), DIGITS)


def _decided_after(value: str, choices: Sequence[str]) -> int:
    """After how many characters only one of the choices is left: 0 where there is no other."""
    if value not in choices:
        return len(value)
    others = (each for each in choices if each != value)
    return max((_alike(value, each) + 1 for each in others), default=0)


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (mine, its) in pairs if mine != its), min(len(one), len(other)))


class _Places:
    """Where the characters of an answer stand among its tokens.

    Only ASCII is compared: a token that holds half a character is told as U+FFFD by some servers,
    and JSON's quotes, which separate values from the rest, are ASCII. The answer's last place among
    the tokens counts, since thoughts and fences that the server hides come before it.
    """

    def __init__(self, text: str, tokens: Tokens) -> None:
        self._text = text
        lengths, parts = [], []
        for token, _ in tokens:
            part = _ascii(token)
            parts.append(part)
            lengths.append(len(part))
        self._ends = list(accumulate(lengths))
        self._begins = [end - length for end, length in zip(self._ends, lengths, strict=True)]
        held = text.strip()
        self._offset = b"".join(parts).rfind(_ascii(held.encode(errors="replace")))
        self._skipped = len(text) - len(text.lstrip())

    @property
    def found(self) -> bool:
        """Whether the tokens are this answer's."""
        return self._offset >= 0

    def between(self, start: int, end: int) -> range:
        """The tokens that spell the characters from `start` up to `end`."""
        first, last = self._place(start), self._place(end)
        # Tokens without ASCII have no length here; those at either end lie within the quotes.
        return range(
            min(bisect_right(self._ends, first), bisect_left(self._begins, first)),
            max(bisect_left(self._begins, last), bisect_right(self._ends, last)),
        )

    def _place(self, at: int) -> int:
        before = self._text[self._skipped : at].encode(errors="replace")
        return self._offset + len(_ascii(before))


def _ascii(raw: bytes) -> bytes:
    return raw.decode("ascii", "ignore").encode() if not raw.isascii() else raw


def _strings(text: str) -> Iterator[tuple[str, str, int, int]]:
    """The strings that are values: under which key, the value, and where its content stands."""
    at, name = text.find('"'), ""
    while at >= 0:
        try:
            value, end = scanstring(text, at + 1, False)
        except ValueError:
            return
        if _COLON.match(text, end):
            name = value
        else:
            yield name, value, at + 1, end - 1
        at = text.find('"', end)
