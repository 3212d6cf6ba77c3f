"""The two sides of a comparison in a rewritten sentence: what is more so stays on its side.

English, as `gates.wording`, which asks. Linear in the sentences' lengths.
"""

import re
from collections.abc import Callable, Iterator

from enrichment.quality.gates.comparison import Passage, is_content, stem, words_between
from enrichment.quality.lexicon.words import BEINGS
from enrichment.quality.patterns import compiled_later

_CLAUSES = compiled_later(r"[.;:!?()\n]|\b(?:because|although|though|while|since|so)\b")
_THAN = compiled_later(r"\b(?:than|instead of|prefers? (?!to\b)[a-z' ]{1,40}? (?:over|to))\b")
_MORE = compiled_later(
    r"\b(?:even (?:more|less|better|worse|[a-z]+er)|most of all|best of all|above all"
    r"|more so|(?:most|best)(?= *(?:,|$)))\b"
)
_PARTS = compiled_later(r",|\band\b|\bbut\b")
_HOW = compiled_later(
    r"\b(?:more|less|fewer|better|worse|rather|sooner|instead|even|most|best|[a-z]+er)\b"
)
_NO_HOW = BEINGS | frozenset(
    "her other over never another ever after under foster brother sister mother father water dinner"
    " owner handler player".split()
)
_Parting = Callable[[str, re.Match[str]], Iterator[tuple[bool, str]]]
_IT = frozenset("he him she her they them it i me".split())


def sides_exchanged(source: Passage, answer: Passage) -> str:
    """What stands on the other side of a comparison than in the source, in words; blank for none.

    As “likes men better than women” and “likes women better than men”. Comparisons of another
    degree (“more than”, “less than”) are left to other gates.
    """
    for mark, apart in ((_THAN, _before_and_behind), (_MORE, _parts)):
        if not (mark.search(source.lower) and mark.search(answer.lower)):
            continue
        less, more, how = _sides(source, mark, apart)
        less_now, more_now, how_now = _sides(answer, mark, apart)
        if how != how_now:
            continue
        one, other = more & less_now, less & more_now
        if one and other:
            return f"{min(one)} and {min(other)} have changed sides"
    return ""


def _sides(
    passage: Passage, mark: re.Pattern[str], apart: _Parting
) -> tuple[set[str], set[str], set[str]]:
    """The stems that stand on one side alone, on the other one alone, and how these compare."""
    left, right, how = set[str](), set[str](), set[str]()
    for clause in _CLAUSES.split(passage.lower):
        for found in mark.finditer(clause):
            how.add(_how(clause, found))
            for on, text in apart(clause, found):
                (right if on else left).update(_told(text))
    return left - right, right - left, how


def _how(clause: str, found: re.Match[str]) -> str:
    """Which of both sides is the greater one: “more” or “less” and the like."""
    if found[0] != "than":
        return found[0].partition(" ")[0] if found[0].startswith("prefer") else found[0]
    said = (each for each in _HOW.findall(clause[: found.start()]) if each not in _NO_HOW)
    return "".join(list(said)[-1:])


def _before_and_behind(clause: str, found: re.Match[str]) -> Iterator[tuple[bool, str]]:
    """What “than” compares: what is behind it up to a comma, and everything else."""
    if found[0].startswith("prefer"):
        yield False, found[0]
    behind, comma, rest = clause[found.end() :].partition(",")
    yield True, behind
    yield False, f"{clause[: found.start()]} {rest if comma else ''}"


def _parts(clause: str, found: re.Match[str]) -> Iterator[tuple[bool, str]]:
    """The parts of a clause, and whether it is the one that says “even more”."""
    at = 0
    for part in _PARTS.split(clause):
        end = clause.index(part, at) + len(part)
        yield at <= found.start() < end, part
        at = end


def _told(text: str) -> Iterator[str]:
    for word in words_between(text):
        if word in _IT:
            yield "it"
        elif is_content(word):
            yield stem(word)
