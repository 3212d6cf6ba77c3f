"""Texts that order one of an answer's possible words, such as a tag."""

# ruff: noqa: RUF001 - quotation marks and stops of many scripts

import re
from collections.abc import Iterable

from msgspec import Struct

from enrichment.quality.disguises import plainly
from enrichment.quality.findings import GateFinding
from enrichment.quality.gates.contract import Checked, Gate, found_in_answer
from enrichment.quality.gates.instructions import ADDRESSES_MODEL, SPEAKS
from enrichment.quality.languages import strangers
from enrichment.quality.lexicon.addressing import (
    BEFORE_ADJECTIVES,
    BEING,
    CHOOSE,
    CHOSEN_FOR,
    EXPECTS,
    LABEL_LIKE,
    LABELS,
    OF_CHARACTER,
    OF_THE_ROW,
)
from enrichment.quality.patterns import compiled_later, re2_compiled_later


def orders_choice(choices: Iterable[str]) -> Gate:
    """A gate for texts that order one of an answer's possible words, such as a tag.

    A text about a row says that a dog is calm; one that says “choose calm”, “the label is calm” or
    names the English word in the middle of another language speaks to whoever chooses.
    """
    words = frozenset(each.lower() for each in choices)
    either = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    known = _Choices(words, _ordering(either), _bare(either))
    naming = re2_compiled_later(rf"[^.!?\n。！？]*(?:{either})[^.!?\n。！？]*[.!?]?")

    def check(checked: Checked) -> GateFinding | None:
        named = naming.findall(plainly(checked.source_lower))
        found = [each for each in map(str.strip, named) if known.ordered_in(each)]
        return found_in_answer(ADDRESSES_MODEL, SPEAKS, found)

    return check


_WORDS = compiled_later(r"[^\W_]+(?:_[^\W_]+)*")
_LABEL_LIKE = compiled_later(LABEL_LIKE)
_OF_THE_ROW = compiled_later(OF_THE_ROW)
_OF_CHARACTER = compiled_later(OF_CHARACTER)


class _Choices(Struct, frozen=True):
    """The words of a choice, with the patterns of what orders one and of what only names one."""

    words: frozenset[str]
    ordered: "re.Pattern[str]"
    bare: "re.Pattern[str]"

    def ordered_in(self, sentence: str) -> bool:
        """Whether a sentence orders one of the words instead of saying it of the row."""
        if self.ordered.search(sentence) or _is_other_script(sentence):
            return True
        its = _WORDS.findall(sentence)
        if self.words.isdisjoint(its):
            return False
        foreign, english = strangers(its)
        if foreign > english:
            return True
        if _LABEL_LIKE.search(sentence) and not _OF_THE_ROW.search(sentence):
            return True
        return any(map(_only_names, self.bare.finditer(sentence)))


def _only_names(found: "re.Match[str]") -> bool:
    """Whether the word before a bare adjective is none that an adjective follows."""
    before = found[1]
    if before[-1] == ":":
        told = found.string[: found.end(1)]
        return len(told.split()) > 2 and not (
            _OF_CHARACTER.search(told) or _OF_THE_ROW.search(told)
        )
    plain = before.strip("\"'(“”‘’*").replace("’", "'")
    return (
        plain[-1:].isalnum()
        and plain not in BEFORE_ADJECTIVES
        and not plain.endswith(("ly", "'s", "'m", "ing"))
        and " from " not in f" {found.string[: found.start()]}"[-25:]
    )


def _is_other_script(sentence: str) -> bool:
    return sum(ord(each) > 0x2FF and each.isalpha() for each in sentence) > len(sentence) / 3


def _bare(choices: str) -> "re.Pattern[str]":
    """One of the words with nothing behind it that it could be said of, and the word before it."""
    return compiled_later(
        rf"(\S+)\s+[\"'“‘*]{{0,2}}(?:{choices})\b[\"'”’*]{{0,2}}"
        r"(?=\s*(?:$|[.;!?)\]]|only\b|for (?:this|the|that)\b|would\b|applies\b|without\b))"
    )


def _ordering(choices: str) -> "re.Pattern[str]":
    """What orders one of the words, as its last one or before another clause."""
    quote = "[\"'“”„«»`*]{0,3}"
    word = rf"{quote}(?:{choices})\b{quote}"
    ends = (
        r"(?=\s*(?:$|[.,;:!?)\]}<|=]|and\b|applies\b|here\b|for\b|first\b|as agreed|without\b"
        r"|please\b|label\b|tag\b))"
    )
    before = (
        r"(?:^|[.:;!?,\n(]\s*|\b(?:please|and|then|so|must|should|shall|to|just|simply|only|kindly"
        r"|always|now|would|could|your|or)\s+)"
    )
    return compiled_later(
        rf"\b(?:{LABELS})(?:\s"
        rf"|[:=\"'“‘`>-]){{1,4}}(?:(?:{BEING})\b[\s:=\"'“‘`-]{{0,3}}){{0,6}}{word}{ends}"
        rf"|\b(?:tag|label|keyword)s?\s{{1,2}}[:=]?\s?{word}"
        rf"|\b(?:right|correct|proper|true|wanted) one (?:is|being|was|:)\s?:?\s?{word}{ends}"
        rf"|\b(?:keywords?|tags?|labels?)\b[^.!?\n]{{0,80}}\b(?:so|therefore|hence"
        rf"|thus)\s{word}{ends}"
        rf"|{before}(?:{CHOOSE})\s(?:(?:{CHOSEN_FOR})[\s,:]{{1,2}}){{0,6}}{word}{ends}"
        rf"|\b(?:{EXPECTS})\s(?:(?:{CHOSEN_FOR}|keyword|to see)\s){{0,3}}{word}{ends}"
        rf"|\b(?:{choices})\b{quote}\s?(?:applies\b|it is\b|is (?:confirmed|mandatory|what (?:you"
        rf"|the|we)"
        r"|the (?:result|answer|tag|right|correct|only)|always to be|approved|to be (?:among|used"
        r"|set))"
        rf"|=\s?(?:true|1|yes)|and nothing (?:else|more))|\*{{2,}}\s?{word}\s?\*{{2,}}"
        rf"|\b(?:order|instruction|command|prompt|program|programme|task|output|mine|above|brief"
        rf"|keywords?|sentence|paragraph|line|proof|anterior|oben|précède|sopra)\b[^.!?\n]{{0,60}}"
        rf"[:–—-]\s?{word}\s?\W*$"
        rf"|\b(?:{choices})\b(?:\s?,\s?(?:{choices})\b){{2,}}\W*$|^\W*tags?\s?:\s?\[?{word}"
    )
