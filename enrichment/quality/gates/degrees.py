"""How much, how many and of which kind a rewritten sentence says: each word keeps its measure.

“Very timid” is not “a little timid”, nor are “dogs of all sizes” those of her size. English, as
`gates.wording`, which asks. Linear in the sentences' lengths.
"""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from enrichment.quality.gates.comparison import Passage, is_content, stem
from enrichment.quality.lexicon.words import BEINGS
from enrichment.quality.patterns import compiled_later

_STRONG = "very extremely incredibly highly super really terribly exceptionally severely extra"
_STRONG += " intensely deeply totally completely absolutely always constantly"
# Each way to measure the word behind it, by what it says of that; the longest first.
_SAYINGS = {
    **dict.fromkeys(_STRONG.split(), "strong"),
    **dict.fromkeys("quite pretty".split(), "rather"),
    **dict.fromkeys("fairly rather moderately reasonably relatively".split(), "fairly"),
    **dict.fromkeys("somewhat slightly mildly kinda a_little a_bit a_tad a_touch".split(), "weak"),
    **dict.fromkeys("much lots plenty tons loads many long a_lot a_ton quite_a".split(), "much"),
    **dict.fromkeys("some several a_few a_couple a_little_of a_bit_of".split(), "some"),
    **dict.fromkeys("little few minimal short".split(), "little"),
    **dict.fromkeys("all every each".split(), "all"),
    **dict.fromkeys("his her their its my your our same similar particular".split(), "own"),
    **dict.fromkeys("one a an".split(), "one"),
    **dict.fromkeys("most certain".split(), "part"),
}
# What may not take the place of what, with the word behind it the same.
_OPPOSED = frozenset(
    {
        ("strong", "weak"), ("weak", "strong"), ("strong", "little"), ("much", "little"),
        ("rather", "weak"), ("weak", "rather"), ("rather", "little"), ("strong", "fairly"),
        ("fairly", "strong"), ("much", "some"), ("much", "weak"), ("some", "much"),
        ("some", "little"),
        ("little", "much"), ("little", "some"), ("all", "own"), ("all", "one"), ("one", "all"),
    }
)  # fmt: skip
_MEASURING = frozenset(_SAYINGS) | frozenset("bit lot while awhile kind tad touch ton".split())
# Of these “little” and “long” say how much; a little girl and a long coat are measured by others.
_AMOUNTS = frozenset(
    map(
        stem,
        """
        time while awhile patience work training exercise experience effort encouragement help
        attention space room energy interest fear trouble noise supervision grooming care practice
        walks play barking shedding
        """.split(),
    )
)
_OF_AMOUNTS = frozenset({"little", "long", "short", "few"})
_LIKE_WORDS = frozenset("of the other these those more such well as to be".split())
_PART = compiled_later(r"[^\W_]+(?:'[^\W_]+)*|[.,;:!?()]")
_JOINED = compiled_later(
    r"\b(?:(quite) (a)(?= (?:while|bit|few|lot|some))"
    r"|(a) (?:very )?(little|bit|tad|touch|lot|ton|few|couple)(?: bit)?( of)?\b"
    r"|(kind|sort) of(?= [a-z]+))"
)
_SPANS = frozenset(map(stem, "day week month year hour night morning evening time while".split()))
_OF_ALL = frozenset({"all", "one"})
MAX_BETWEEN = 3  # small words between a measure and what it measures


def measured_otherwise(
    source: Passage, answer: Passage, lost: AbstractSet[str], new: AbstractSet[str]
) -> str:
    """A word with another measure than in the source, in words; blank for none.

    `lost` and `new` are the words that only one of both has.
    """
    if _MEASURING.isdisjoint(lost) and _MEASURING.isdisjoint(new):
        return ""
    before, after = _measures(source.lower), _measures(answer.lower)
    for head, now in after.items():
        then = before.get(head)
        if then is None:
            continue
        for kind, said in now.items():
            if kind in then:
                continue
            for other, its in then.items():
                if other not in now and (other, kind) in _OPPOSED:
                    return f"“{said}”, not “{its}”"
    return ""


def _measures(text: str) -> dict[str, dict[str, str]]:
    """What each word is measured with, by its stem: the kinds of measures, and their words."""
    found: dict[str, dict[str, str]] = {}
    kind = measure = ""
    between = 0
    for word in _PART.findall(_JOINED.sub(_as_one, text)):
        plain = word.replace("0", "_")
        its = _SAYINGS.get(plain, "")
        if its:
            # “all her shots”, “a very shy one”: the first one says how many, the last how much.
            if not (kind == "all" and its == "own"):
                kind, measure = its, plain
            between = 0
        elif not kind:
            continue
        elif word in _LIKE_WORDS and between < MAX_BETWEEN:
            between += 1
        else:
            root = stem(word)
            if kind in _OF_ALL and root in _SPANS:  # “each day”, “a day”
                kind = ""
                continue
            if (is_content(word) or root in _AMOUNTS) and (
                measure not in _OF_AMOUNTS or root in _AMOUNTS
            ):
                said = measure.replace("_", " ")
                found.setdefault(root, {}).setdefault(kind, f"{said} {word}")
            kind = ""
    return found


def _as_one(found: re.Match[str]) -> str:
    if found[1]:
        return "quite0a"
    if found[6]:
        return "kinda"
    if found[5] and found[4] in ("little", "bit"):
        return f"a0{found[4]}0of"
    return f"a0{found[4]}"


_PARTLY = frozenset("some certain most".split())
_HEDGED = _PARTLY | frozenset(
    "few many several usually generally often typically sometimes mostly selective depends picky"
    " depending somewhat maybe".split()
)
_SOME_BEINGS = compiled_later(
    rf"\b(some|certain|most)(?: of (?:the|his|her|our|my|their|these|those))?"
    rf"(?: (?:other|new|small|big|large|older|young))*"
    rf" ({'|'.join(sorted(BEINGS | {'members', 'homes', 'families'}))})\b"
)


def partly(source: Passage, answer: Passage, lost: AbstractSet[str], new: AbstractSet[str]) -> str:
    """Beings of which only one of two texts means some or most; blank for none."""
    for one, other, only, said in (
        (answer, source, new, "with"), (source, answer, lost, "without"),
    ):  # fmt: skip
        if _PARTLY.isdisjoint(only) or not _HEDGED.isdisjoint(other.words):
            continue
        for some, being in _SOME_BEINGS.findall(one.lower):
            if some in only and other.has(being):
                return f"{said} “{some}” of “{being}”"
    return ""


_VAGUE = compiled_later(
    r"\b(?:few|several|couple(?: of)?|some|many) (?:more |short |long )?"
    r"(second|minute|hour|day|week|month|year)s\b"
)


def other_span(source: Passage, answer: Passage) -> str:
    """A few days that were a few hours; blank for none."""
    before = set(_spans(source))
    if not before:
        return ""
    after = set(_spans(answer))
    if after - before and before - after:
        return f"{min(after - before)}s, not {min(before - after)}s"
    return ""


def _spans(passage: Passage) -> Iterator[str]:
    if _SPANS_OF_TIME.isdisjoint(passage.words):
        return
    yield from _VAGUE.findall(passage.lower)


_SPANS_OF_TIME = frozenset(f"{each}s" for each in "second minute hour day week month year".split())
