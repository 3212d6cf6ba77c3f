"""What a rewritten sentence lists: no item gone, where nothing stands in its place.

English, as `gates.wording`, which asks. Linear in the sentences' lengths.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from enrichment.quality.gates.company import WEEKDAYS
from enrichment.quality.gates.comparison import Passage, is_content, words_between
from enrichment.quality.gates.known_words import Known
from enrichment.quality.lexicon.editing import ADDED, DENYING, DROPPED, LIGHT, WEIGHTY
from enrichment.quality.lexicon.quantities import MONTHS, NUMBER_WORDS, UNIT_OF
from enrichment.quality.patterns import compiled_later

_CLAUSES = compiled_later(
    r"[.!?\n()]+(?:\s|$)|[;:]|\s[-–—]+\s|\.{2,}"  # noqa: RUF001
    r"|\b(?:but|so|because|which|who|if)\b"
)
_ITEMS = compiled_later(r"\s*(?:,\s*and\b|,\s*or\b|,|/|&|\band\b|\bor\b|\+)\s*")
MAX_ITEM = 4  # words of an item; more are a clause
MAX_LISTED = 200  # items that are looked for
_BOUNDS = frozenset("older younger bigger smaller larger".split())  # “10 or older”
_SAYS_NOTHING = ADDED | DROPPED | LIGHT | _BOUNDS


def item_lost(source: Passage, known: Callable[[], Known], lost: Counter[str]) -> str:
    """An item of a list that the answer has in no form, while it has the one beside it.

    `known` are the answer's words, `lost` those that the source has more of. Blank for none.
    """
    if not any(map(_says_something, lost)):
        return ""
    at = 0
    for items, is_priced in _lists(source.text.lower()):
        kept = first = None
        for item in items:
            at += 1
            if at > MAX_LISTED:
                return ""
            gone = all(word in lost for word in item) and not any(map(known().has, item))
            if gone and kept is not None:
                return f"without “{' '.join(item)}”"
            kept = item if not gone else kept
            if gone and is_priced:
                first = first or item
            if kept and first:  # behind “includes” the list begins, and nothing else
                return f"without “{' '.join(first)}”"
    return ""


_PRICED = compiled_later(r"\b(?:includ\w*|covers?|covered|covering|comes with)\b")


def _lists(text: str) -> Iterator[tuple[list[list[str]], bool]]:
    """What each list of a text has, as the words of its items that say something.

    And whether it tells what a price is for.
    """
    for clause in _CLAUSES.split(text):
        parts = _ITEMS.split(clause)
        if len(parts) < MIN_ITEMS:
            continue
        items = []
        priced = _PRICED.search(parts[0])
        if priced:
            parts[0] = parts[0][priced.end() :]
        for at, part in enumerate(parts):
            told = words_between(part)
            told = told[-MAX_ITEM:] if at == 0 else told
            says = [each for each in told if _says_something(each)]
            if at and len(told) > MAX_ITEM:
                says = []
            if says:
                items.append(says)
        if len(items) > 1:
            yield items, priced is not None


_SIZE = r"(tiny|small|med|medium|large|big|giant)(?:[ -]?sized?)?"
_SIZES = compiled_later(rf"\b{_SIZE}\b")
_TWO_SIZES = compiled_later(rf"\b{_SIZE}\s*(?:/|-|\bto\b|\bor\b)\s*(?:an?\s+)?{_SIZE}\b")
_SAME_SIZE = {"med": "medium", "big": "large"}


def size_lost(source: Passage, answer: Passage) -> str:
    """One of two sizes between which a dog is, “medium/large”, that the answer no longer has."""
    two = _TWO_SIZES.search(source.lower)
    if two is None:
        return ""
    kept = {_SAME_SIZE.get(each, each) for each in _SIZES.findall(answer.lower)}
    gone = [each for each in two.groups() if _SAME_SIZE.get(each, each) not in kept]
    return f"without “{gone[0]}”" if len(gone) == 1 else ""


MIN_ITEMS = 2
MAX_SMALL = 3  # letters of words that are too often glued or mistyped to be looked for


def _says_something(word: str) -> bool:
    return (
        is_content(word)
        and len(word) > MAX_SMALL
        and word not in _SAYS_NOTHING
        and word not in WEIGHTY
        and word not in DENYING
        and word not in WEEKDAYS
        and word not in NUMBER_WORDS
        and word not in UNIT_OF
        and word not in MONTHS
    )
