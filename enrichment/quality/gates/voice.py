"""Whether two English sentences say the same in another voice: “found by us” and “we found”.

Asked only where another check objects, so it may take its time; linear in the sentences' lengths.
"""

from collections.abc import Iterator
from itertools import pairwise

from enrichment.quality.gates.comparison import stem, words
from enrichment.quality.lexicon.inflections import BASES
from enrichment.quality.patterns import compiled_later

_HELPING = frozenset(
    "is are am was were be been being has have had it's he's she's i'm they're we're you're".split()
)
_BETWEEN = frozenset("not also now still just been being both all so".split())
MAX_BETWEEN = 3  # words between a verb and the one that it helps
_DONE_BY = compiled_later(
    r"\b(?:was|were|is|are|be|been|being|got|gets) (?:[a-z]+ly )?([a-z]+) by (?!\d)"
)


def only_helps(auxiliary: str, text: str, other: str) -> bool:
    """Whether each `auxiliary` of a text helps a verb that `other` has without one.

    As in “he was found as a stray” of “found as a stray”, or “is hoping” of “hopes”.
    """
    told, others = words(text), words(other)
    bare = {after for before, after in pairwise(["", *others]) if before not in _HELPING}
    shown = {stem(each) for each in bare if not each.endswith("ing")}
    found = False
    for at, each in enumerate(told):
        if each.partition("'")[0] != auxiliary:
            continue
        found = True
        helped = next(iter(_helped(told[at + 1 : at + 1 + MAX_BETWEEN])), "")
        if helped.endswith("ing"):
            if stem(helped) not in shown:
                return False
        elif helped not in bare or not (helped.endswith("ed") or helped in BASES):
            return False
    return found


def _helped(told: list[str]) -> list[str]:
    """Words that may be the verb behind an auxiliary: no adverbs."""
    return [each for each in told if each not in _BETWEEN and not each.endswith("ly")]


def other_voice(text: str, other: str) -> bool:
    """Whether one of two texts says passively what the other says actively.

    Then who does it and whom it is done to change places: “found by the police”, “the police
    found”.
    """
    return any(_acts(verb, active) for verb, active, _ in _one_sided(text, other))


def doer_changed(text: str, other: str) -> bool:
    """Whether what was done by somebody in one text is done by who it was done to in the other.

    For texts whose words stand in the same order: “bitten by a dog”, “bit a dog”.
    """
    return any(
        _acts(verb, active, alone=True) and not _done_by_same(verb, active, passive)
        for verb, active, passive in _one_sided(text, other)
    )


def _one_sided(text: str, other: str) -> Iterator[tuple[str, str, str]]:
    """Passive verbs that name who did it in one text alone, with the other text and this one."""
    before, after = (set(_DONE_BY.findall(each.lower())) for each in (text, other))
    yield from ((verb, other, text) for verb in before - after)
    yield from ((verb, text, other) for verb in after - before)


_PERSONS = {"me": "i", "us": "we", "him": "he", "her": "she", "them": "they"}
_SUBJECT, _OBJECT = "i|we|he|she|they|you|it", "me|us|him|her|them|you|it"
_DOES = compiled_later(
    rf"\b({_SUBJECT}) (?:[a-z]+ly |also |then |just |first )?([a-z]+)"
    rf" (?:in |up |out )?({_OBJECT})\b"
)
_IS_DONE = compiled_later(
    rf"\b({_SUBJECT}) (?:was|were|is|are|am|got|ha(?:s|ve|d) been)"
    rf" (?:[a-z]+ly |also |then |just |first )?([a-z]+) (?:in |up |out )?by ({_OBJECT})\b"
)


def _done_by_same(verb: str, active: str, passive: str) -> bool:
    """Whether pronouns tell that who does it and whom it is done to are the same in both."""
    does = {
        (_PERSONS.get(whom, whom), who)
        for who, done, whom in _DOES.findall(active.lower())
        if stem(done) == stem(verb)
    }
    is_done = {
        (whom, _PERSONS.get(who, who))
        for whom, done, who in _IS_DONE.findall(passive.lower())
        if stem(done) == stem(verb)
    }
    return bool(does) and does == is_done


def _acts(verb: str, text: str, *, alone: bool = False) -> bool:
    """Whether a text has the verb; `alone`: and never with an auxiliary before it."""
    told = words(text)
    its = [at for at, each in enumerate(told) if stem(each) == stem(verb)]
    helped = any(not _HELPING.isdisjoint(told[max(0, at - 2) : at]) for at in its)
    return bool(its) and not (alone and helped)
