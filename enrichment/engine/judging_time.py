"""Whether judging an answer may take too long for an event loop."""

from collections.abc import Mapping

# Characters of source and answer: judging texts that differ in everything takes 1.2 to 1.8 ms for
# each 1,000, so about 5 ms at most; those that begin alike seldom take a tenth of it.
MAX_ON_LOOP = 3_000
MAX_ALIKE_ON_LOOP = 8_000
ALIKE_CHARACTERS = 100


def takes_long(values: Mapping[str, str], text: str) -> bool:
    """Whether judging an answer's text beside its source's values may take more than about 5 ms."""
    characters = len(text) + sum(map(len, values.values()))
    if characters <= MAX_ON_LOOP:
        return False
    start = text[:ALIKE_CHARACTERS]
    alike = bool(start) and any(each.startswith(start) for each in values.values())
    return not alike or characters > MAX_ALIKE_ON_LOOP
