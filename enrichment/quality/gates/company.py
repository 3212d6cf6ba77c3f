"""Who and what a rewritten sentence speaks of: none left out of a list, none for another one.

English, as `gates.wording`, which asks. Linear in the sentences' lengths.
"""

from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from enrichment.quality.gates.comparison import Passage
from enrichment.quality.gates.contract import Checked
from enrichment.quality.lexicon.conditions import CONDITIONS, SAID_SO
from enrichment.quality.lexicon.editing import TURNS
from enrichment.quality.lexicon.words import BEINGS, FEMALE, MALE, STOPWORDS
from enrichment.quality.patterns import compiled_later

# Beings of one kind. Where fewer of one kind are spoken of and more of another, who it is changed.
_KINDS = tuple(
    frozenset(line.split())
    for line in """
        dog dogs doggy doggie doggies canine canines pup pups puppy puppies pooch
        cat cats kitty kitties kitten kittens feline felines
        child children kid kids baby babies toddler toddlers youngster youngsters teen teens
        adult adults grown-ups seniors
        man men
        woman women ladies
        bird birds
        rabbit rabbits
        horse horses livestock
    """.strip().splitlines()
)


_OF_A_KIND = frozenset().union(*_KINDS)


def exchanged(
    before: Counter[str], after: Counter[str], lost: Counter[str], new: Counter[str]
) -> str:
    """Beings that come more often in a text where those of another kind come less often.

    `lost` are the words that come less often than before, `new` those that come more often.
    """
    if _OF_A_KIND.isdisjoint(lost) or _OF_A_KIND.isdisjoint(new):
        return ""
    fell, rose = "", ""
    for kind in _KINDS:
        more = sum(new[word] - lost[word] for word in kind)
        if more:
            known = sorted(kind & (after if more > 0 else before).keys())
            fell, rose = (fell, known[0]) if more > 0 else (known[0], rose)
    return f"{rose}, not {fell}" if fell and rose else ""


_LISTED = BEINGS | frozenset(
    """
    visitors guests neighbors neighbours relatives bikes cars stairs bicycles joggers skateboards
    chickens rodents rabbits horses squirrels
    rabies distemper parvo bordetella lepto leptospirosis heartworm heartworms lyme giardia
    ehrlichia anaplasmosis hookworms fleas ticks
    """.split()
)
_PART = compiled_later(r"[^\W_](?:[\w'’-]*[^\W_])?|[,&/]|[^\w\s]")  # noqa: RUF001
_JOINS = frozenset({",", "&", "/", "and", "or", "nor"})
_BETWEEN = _JOINS | frozenset("no not any other all small large big older young the with".split())
MIN_PLACES = 3  # capitalised items that make a list


WEEKDAYS = frozenset(word for word, said in TURNS.items() if any(k == "weekday" for k, _ in said))


def left_out(source: Passage, answer: Passage, lost: AbstractSet[str], checked: Checked) -> str:
    """One of some that the source lists, such as places or beings, of which the answer has others.

    Blank for none. `lost` are the words that the source has more of.
    """
    if not lost or (_LISTED.isdisjoint(lost) and lost.isdisjoint(_capitalised(source.text))):
        return ""
    return _left_out(source, answer) and _left_out(source, checked.written_out(answer))


def _capitalised(text: str) -> set[str]:
    return {each.lower() for each in _PART.findall(text) if each[0].isupper()}


def _left_out(source: Passage, answer: Passage) -> str:
    ranges = "through" in answer.words or "to" in answer.words
    found: dict[str, bool] = {}
    for items in _lists(source.text):
        if ranges and not WEEKDAYS.isdisjoint(map(str.lower, items)):
            continue  # “Monday through Wednesday” has Tuesday too
        for each in items:
            if each not in found:
                found[each] = len(found) < MAX_ITEMS and _has_all(answer, each)
        gone = [each for each in items if not found[each]]
        if gone and len(gone) < len(items):
            return f"without “{gone[0]}”"
    return ""


MAX_ITEMS = 200  # that are looked for; those of a longer list count as left out


def _has_all(answer: Passage, item: str) -> bool:
    words = (word for word in item.lower().split() if word not in STOPWORDS)
    return all(answer.has(word) or answer.has_alike(word) for word in words)


def _lists(text: str) -> Iterator[list[str]]:
    """Two or more beings or illnesses, and three or more names, that “and” and commas join."""
    beings: list[str] = []
    names: list[str] = []
    joined = apart = False  # whether something that joins, or anything else, stands before a part
    for part in _PART.findall(text):
        word = part.lower()
        if word in _LISTED:
            if not (beings and joined and not apart):
                yield from _whole(beings, 2)
                beings = []
            beings.append(word)
            joined = apart = False
        elif word in _JOINS:
            joined = True
        elif word not in _BETWEEN:
            apart = True
    yield from _whole(beings, 2)
    joined = False
    for part in _PART.findall(text):
        if _is_name(part):
            if joined or not names:
                names.append(part)
            else:
                names[-1] = f"{names[-1]} {part}"
            joined = False
        elif part.lower() in _JOINS:
            joined = True
        else:
            yield from _whole(names, MIN_PLACES)
            names, joined = [], False
    yield from _whole(names, MIN_PLACES)


def _is_name(part: str) -> bool:
    """Whether a part may be one of a name: no word of a sentence in capitals, but a short code."""
    if not part[0].isupper() or (part.isupper() and len(part) > MAX_CODE):
        return False
    return part.lower() not in _LISTED and part.lower() not in _JOINS


MAX_CODE = 3  # letters


def _whole(items: list[str], least: int) -> Iterator[list[str]]:
    if len(items) >= least:
        yield items


_SOME = frozenset("some certain most many few several".split())
_HEDGED = _SOME | frozenset("usually generally often typically sometimes mostly selective".split())
_SUCH = frozenset(
    "calm gentle submissive respectful experienced older younger mellow small large female".split()
)
_LIMITING = _SOME | _SUCH
_LIMITED = compiled_later(
    rf"\b(?:({'|'.join(sorted(_SOME))})|with (?:other )?({'|'.join(sorted(_SUCH))}))"
    rf" (?:other )?(?:{'|'.join(sorted(BEINGS))})\b"
)


def unlimited(source: Passage, answer: Passage) -> str:
    """Whether the source speaks of some beings, or of such, and the answer of all; blank for no."""
    if _LIMITING.isdisjoint(source.words) or not _HEDGED.isdisjoint(answer.words):
        return ""
    for some, such in _LIMITED.findall(source.lower):
        if not such or not _has_all(answer, such):
            return f"without “{some or such}”"
    return ""


def condition_changed(
    source: Passage,
    answer: Passage,
    lost: AbstractSet[str],
    new: AbstractSet[str],
    checked: Checked,
) -> str:
    """A word of health or behaviour that came or went, such as “blind”; blank for none."""
    for word in sorted(CONDITIONS & lost):
        if not _names(source, word) and not _speaks_of(checked.written_out(answer), word):
            return f"without “{word}”"
    for word in sorted(CONDITIONS & new):
        if not _names(answer, word) and not _speaks_of(checked.source_words, word):
            return f"with “{word}”"
    return ""


def _names(passage: Passage, word: str) -> bool:
    """Whether a word is a name: “Chase”."""
    return word in _ALSO_NAMES and word.capitalize() in passage.text and word not in passage.text


_ALSO_NAMES = frozenset({"chase", "marking", "snap"})


def _speaks_of(passage: Passage, word: str) -> bool:
    return (
        passage.has(word)
        or passage.has_alike(word)
        or any(each[:MIN_SAME] == word[:MIN_SAME] for each in passage.words)
        or not SAID_SO.isdisjoint(passage.words)
    )


MIN_SAME = 5  # letters that tell a word of health again: “amputee” of “amputated”


def sex_from_nowhere(answer: Passage, source: Passage) -> str:
    """A “male” or “female” of the answer, where the whole source says nothing of that sex."""
    for word, its in (("female", FEMALE | {"f"}), ("male", MALE | {"m"})):
        if word in answer.words and its.isdisjoint(source.words):
            return f"new: {word}"
    return ""
