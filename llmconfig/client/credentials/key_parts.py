"""What counts as a part of a key, and where parts stand in a text."""

import re
from collections.abc import Set as AbstractSet
from typing import Any

import re2

from llmconfig.secrets import MASK

# A text without any block of so many characters of a key holds no part of it.
BLOCK = 5
# In a stream, this many characters that may begin a part wait for the next piece.
SUSPICIOUS = 4
NOWHERE: AbstractSet[int] = frozenset()
# Blocks times characters from which RE2 is quicker: it looks for all blocks in one go, 1 µs and a
# third of one for each 300 characters. A look for a block takes 0.05 to 0.3 µs; vendors' keys have
# a hundred.
MANY_LOOKS = 1_000
MAX_BLOCKS = 1_000  # that RE2 looks for: where its tables had no room, it would find nothing


def masked(text: str, hidden: AbstractSet[int]) -> str:
    """The text with a mask for each run of these positions."""
    marked = "".join("\0" if at in hidden else each for at, each in enumerate(text))
    return re.sub("\0+", MASK, marked)


class Parts:
    """What counts as a part of a key: runs of `window` characters of any of its forms."""

    __slots__ = ("_any_block", "_blocks", "_forms", "_pieces", "_starts", "window")

    def __init__(self, forms: tuple[str, ...], window: int, public: str = "") -> None:
        self.window = window
        self._forms = "\n".join(forms)
        self._pieces = frozenset(
            form[at : at + window]
            for form in forms
            for at in range(len(form) - window + 1)
            if at + window > len(public) or not form.startswith(public)
        )
        self._starts = frozenset(
            form[at : at + SUSPICIOUS] for form in forms for at in range(len(form))
        )
        # Each run of `window` holds one of these whole: most texts hold none.
        size, step = min(BLOCK, (window + 1) // 2), window + 1 - min(BLOCK, (window + 1) // 2)
        self._blocks = frozenset(
            form[at : at + size] for form in forms for at in range(0, len(form) - size + 1, step)
        )
        self._any_block: Any = None  # compiled when it is first needed

    def hidden(self, text: str) -> AbstractSet[int]:
        """The positions that belong to a part."""
        if not self._may_stand_in(text):
            return NOWHERE
        pieces, window = self._pieces, self.window
        found = [at for at in range(len(text)) if text[at : at + window] in pieces]
        return {at + step for at in found for step in range(window)}

    def masked(self, text: str) -> str:
        """The text with each part masked."""
        if len(text) < self.window or not self._may_stand_in(text):
            return text
        hidden = self.hidden(text)
        return masked(text, hidden) if hidden else text

    def _may_stand_in(self, text: str) -> bool:
        """Whether any block stands in a text."""
        blocks = self._blocks
        if len(blocks) * len(text) > MANY_LOOKS and len(blocks) <= MAX_BLOCKS:
            try:
                if self._any_block is None:
                    self._any_block = _any_of(blocks)
                return self._any_block.Match(text) is not None
            except UnicodeEncodeError:  # half a pair of surrogates
                pass
        for block in blocks:  # noqa: SIM110 - `any` takes three times as long
            if block in text:
                return True
        return False

    def begun(self, text: str) -> int:
        """How many characters at a text's end may be the beginning of a part."""
        if text[-SUSPICIOUS:] not in self._starts:
            return 0
        length = SUSPICIOUS
        while length + 1 < self.window and text[-length - 1 :] in self._forms:
            length += 1
        return min(length, len(text))


def _any_of(blocks: AbstractSet[str]) -> Any:
    """Tells whether any stands in a text, but not where, which takes half as long again."""
    searched = re2.Set.SearchSet()
    searched.Add("|".join(map(re2.escape, blocks)))
    searched.Compile()
    return searched


NOTHING = Parts((), 1)
