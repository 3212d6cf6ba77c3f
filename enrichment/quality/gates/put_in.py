"""Small words by which a rewritten sentence says more, or less, of what it leaves in its place.

A hedge, a bound, “but these are”, and a fate or a doer exchanged. English, as `gates.wording`,
which asks. Linear in the sentences' lengths.
"""

import re
from collections.abc import Set as AbstractSet

from enrichment.quality.gates.comparison import Passage, is_content
from enrichment.quality.gates.stages import unbound
from enrichment.quality.lexicon.editing import WEIGHTY
from enrichment.quality.lexicon.words import BEINGS, NEGATIVE, POSITIVE
from enrichment.quality.patterns import compiled_later

_OTHER_BOUNDS = compiled_later(r"[+<>~-]|\b(?:exceed[a-z]*|beyond|almost|nearly)\b")


def said_otherwise(
    source: Passage, answer: Passage, lost: AbstractSet[str], new: AbstractSet[str]
) -> str:
    """What of a source an answer says otherwise by such words; `lost` and `new` are its words.

    Blank for nothing.
    """
    return (
        _bound(source, answer)
        or _bounded(source, answer)
        or _hedged(source, answer, lost, new)
        or _price_in_price(source, answer)
        or _but_it_is(source, answer)
        or _death(source, answer)
        or _other_doer(source, answer)
        or _over_already(source, answer)
    )


def _bound(source: Passage, answer: Passage) -> str:
    """A number that is a bound in the answer alone: “more than 8 hours”; blank for none."""
    found = unbound(answer, source)
    if not found or _OTHER_BOUNDS.search(source.lower):
        return ""
    return found.replace("without its", "with a")


_COUNT = r"\d[\d,.]*|one|two|three|four|five|six|seven|eight|nine|ten|twelve"
_BOUNDED = compiled_later(
    rf"\$?\b({_COUNT})(?: [a-z]+)? (?:or|and|&) (?:more|up|over|longer|less|fewer|under|above)\b"
    r"|\b(?:starts?|starting|begins?|beginning|from|as (?:low|little|much) as)(?: at)? \$(\d+)"
    rf"|\b({_COUNT})\+"
)
_BOUND_SOMEHOW = compiled_later(
    r"[+<>]|\d ?-|\b(?:over|under|least|most|minimum|maximum|above|below|older|younger|longer"
    r"|exceed|than|up to|and up|or (?:more|up|less|fewer)|begin[a-z]*|start[a-z]*|from|to \$?\d)\b"
)


def _bounded(source: Passage, answer: Passage) -> str:
    """A number that is no bound in the source and is one now: “six hours or more”; or blank."""
    if _MAY_BOUND.isdisjoint(answer.words) and "+" not in answer.text:
        return ""
    found = _BOUNDED.search(answer.lower)
    if found is None or _BOUND_SOMEHOW.search(source.lower):
        return ""
    return f"with “{found[0]}”"


_MAY_BOUND = frozenset(
    "more up over longer less fewer under above start starts starting begin begins beginning from"
    " as".split()
)
_HEDGES = frozenset("possibly probably perhaps maybe potentially might".split())
# With one of these, the source is not sure either.
_HEDGED = frozenset(word for word, names in WEIGHTY.items() if "hedge" in names) | {
    "potentially", "could", "can", "should", "hopefully", "likelihood", "potential", "possible",
}  # fmt: skip


def _hedged(source: Passage, answer: Passage, lost: AbstractSet[str], new: AbstractSet[str]) -> str:
    """A hedge that was put into a sentence that lost no word; blank for none."""
    came = new & _HEDGES
    if not came or any(map(is_content, lost)) or "?" in source.text:
        return ""
    return "" if _HEDGED & source.words else f"with “{min(came)}”"


_IN_A_PRICE = compiled_later(r"\$\d[^$]{0,60}?\binclud(?:es?|ed|ing)\b[^$]{0,40}\$\d")
_INCLUDES = compiled_later(
    r"\b(?:inc(?:l|luse?|lud[a-z]*)?|cover[a-z]*"
    r"|(?:of|to) (?:it|that|this|which)|part of|goes to)\b"
)


def _price_in_price(source: Passage, answer: Passage) -> str:
    """Whether a price includes another one in the answer alone; blank for no."""
    if answer.text.count("$") < 2 or _INCLUDES.search(source.lower):
        return ""
    return "one price in another" if _IN_A_PRICE.search(answer.lower) else ""


_EMPTY_FEE = compiled_later(
    r"\bfees?: *(?=[A-Z][a-z']+ (?:is|was|has|are|were|will|would|loves?|likes?|needs?)\b)",
    re.IGNORECASE,
)
_FEE = compiled_later(r"\bfees?\b", re.IGNORECASE)


def names_no_fee(source: Passage) -> bool:
    """Whether all fees of a text are labels with nothing behind them: “FEE: Rex is a pup”."""
    empty = len(_EMPTY_FEE.findall(source.text)) if "ee:" in source.lower.replace("s:", ":") else 0
    return 0 < empty == len(_FEE.findall(source.text))


_ONLY = compiled_later(r"\b(?:only|solely|exclusively) ([a-z']+)")
_JUST = compiled_later(r"\b(?:just|merely|simply|nothing but) ([a-z']+)")
_PRAISING = POSITIVE | NEGATIVE | frozenset("a the so too want wants".split())


def only_for_just(source: Passage, answer: Passage) -> bool:
    """Whether “only” stands where the other text has “just”, before the same word.

    Not before what one likes or is: “just loves children” doesn't say “only loves children”.
    """
    for one, other in ((source.lower, answer.lower), (answer.lower, source.lower)):
        only = set(_ONLY.findall(one)) - set(_ONLY.findall(other))
        if only and only <= set(_JUST.findall(other)) - _PRAISING:
            return True
    return False


_BUT_IS = compiled_later(
    r"\bbut ((?:[a-z'-]+ ){1,4}(?:is|are|do|does|can|will|was|were|did|has|have|may))"
    r"(?= ?(?:[.,;!?)]|$))"
)
_BUT = frozenset("but however although though while whereas yet except only".split())


def _but_it_is(source: Passage, answer: Passage) -> str:
    """What a text excepts from what it denies, or says, in one of two texts; blank for nothing."""
    for one, other, said in ((source, answer, "without"), (answer, source, "with")):
        found = _BUT_IS.search(one.lower) if "but" in one.words else None
        if found is not None and _BUT.isdisjoint(other.words) and found[1] not in other.lower:
            return f"{said} “{found[0]}”"
    return ""


_DEATH = compiled_later(
    r"\b(?:owner|mom|mother|dad|father|person|human|guardian|family|man|woman|lady)s?(?:'s)?"
    r" (?:[a-z]+ ){0,3}?(?:died|dies|passed|passing|deceased|death)\b"
)
_DIED = frozenset("died dies passed passing deceased death".split())
_DEAD = _DIED | frozenset(
    "die dying dead pass passes loss losing lost loses late widow widowed widower orphan orphaned"
    " heaven survived survive estate killed".split()
)


def _death(source: Passage, answer: Passage) -> str:
    """Whether somebody has died in only one of two texts; blank for no."""
    for one, other, said in ((source, answer, "without"), (answer, source, "with")):
        if _DIED.isdisjoint(one.words) or not _DEAD.isdisjoint(other.words):
            continue
        found = _DEATH.search(one.lower)
        if found is not None:
            return f"{said} “{found[0]}”"
    return ""


_PEOPLE = BEINGS | frozenset(
    "woman man lady gentleman owner neighbor neighbour couple family police officer friend vet"
    " shelter rescue volunteer stranger girl boy".split()
)


def _other_doer(source: Passage, answer: Passage) -> str:
    """Who did something by the answer and is somebody else in the source; blank for nobody."""
    if "by" not in source.words or "by" not in answer.words:
        return ""
    before, after = _doers(source.lower), _doers(answer.lower)
    for verb in before.keys() & after.keys():
        doer, now = before[verb], after[verb]
        if doer == now or now not in source.words or doer not in answer.words:
            continue
        if f"{doer}," not in source.lower:  # “by his neighbor, a woman”
            return f"by {now}, not {doer}"
    return ""


_DOER = compiled_later(r"\b([a-z]+(?: (?:up|in|over|off|out))?) by ((?:[a-z'-]+ ){0,3}[a-z'-]+)")


def _doers(text: str) -> dict[str, str]:
    """The first being behind each “done by”, by what was done."""
    found = {}
    for verb, told in _DOER.findall(text):
        who = next((each for each in told.split() if each in _PEOPLE), "")
        if who:
            found[verb] = who
    return found


_ON_IT = compiled_later(
    r"(?:\b(?:is|am|are)|'s|'m|'re) (?:[a-z]+ly |now |still )?"
    r"(?:on|taking|receiving|getting|undergoing|being treated)\b"
)
_DONE = frozenset("finished completed done".split())
_ENDING = frozenset(
    "finish finishes finished finishing complete completes completed completing done end ends ended"
    " over through".split()
)


def _over_already(source: Passage, answer: Passage) -> str:
    """Whether what one takes in the source was taken to its end in the answer; blank for no."""
    came = answer.words & _DONE
    if not came or source.words & _ENDING or _ON_IT.search(answer.lower):
        return ""
    return f"{min(came)}, not yet" if _ON_IT.search(source.lower) else ""
