"""When answers are judged: what may take too long for a loop, and what is looked at ahead."""

from collections.abc import Iterable, Mapping

from enrichment.enrichments.contract import Enrichment

# Characters of source and answer: judging texts that differ in everything takes 1.2 to 1.8 ms for
# each 1,000, so about 5 ms at most; those that are alike take a fifth of a millisecond in all.
MAX_ON_LOOP = 3_000
MAX_ALIKE_ON_LOOP = 8_000
# Texts are alike if the source has two of three pieces of the answer: then a third may differ.
PIECES, MIN_ALIKE = 3, 2
PIECE_CHARACTERS = 60


def takes_long(values: Mapping[str, str], text: str) -> bool:
    """Whether judging an answer's text beside its source's values may take more than about 5 ms."""
    characters = len(text) + sum(map(len, values.values()))
    if characters <= MAX_ON_LOOP:
        return False
    if characters > MAX_ALIKE_ON_LOOP or not text:
        return True
    places = [len(text) * piece // PIECES for piece in range(PIECES)]
    pieces = [text[place : place + PIECE_CHARACTERS] for place in places]
    return all(sum(piece in each for piece in pieces) < MIN_ALIKE for each in values.values())


def look_ahead(enrichment: Enrichment, rows: Iterable[Mapping[str, str]]) -> None:
    """Have the sources of rows, by their values, looked at together before there are answers."""
    from enrichment.quality.gates.instructions import foresee  # noqa: PLC0415 - with the gates

    for values in rows:
        try:
            foresee(enrichment.source(values))
        except Exception:  # noqa: BLE001, S112 - it raises again where the answer is judged
            continue
