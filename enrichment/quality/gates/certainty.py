"""How sure, how binding and how far a rewritten sentence is: no doubt goes, none is put in.

English, as `gates.wording`, which asks. Linear in the sentences' lengths.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from enrichment.quality.gates.comparison import Passage, is_content, stem
from enrichment.quality.lexicon.editing import WEIGHTY
from enrichment.quality.patterns import compiled_later

_DOUBTS = frozenset(
    """
    seem seems seemed appear appears apparently seemingly might maybe perhaps possibly probably
    likely believe believes believed think thinks suspect suspects suspected assume guess
    supposedly reportedly allegedly potentially
    """.split()
)
_DOUBTED = _DOUBTS | frozenset("may could hopefully unsure estimated".split())
_PART = compiled_later(r"[^\W_]+(?:'[^\W_]+)*|[.;:!?()]")
MAX_DOUBTED = 6  # words between a doubt and what is doubted
_ALLOWED = frozenset("you in of early late mid adopters applicants".split())  # “you may visit”


def sure_now(source: Passage, answer: Passage) -> str:
    """What a text is sure of that the source doubts, while it doubts other things; or blank."""
    if _DOUBTS.isdisjoint(source.words):
        return ""
    before = list(_doubted(source.lower))
    if len(before) < 2:
        return ""  # with the only doubt the word itself goes, which is seen there
    after = list(_doubted(answer.lower))
    if len(after) >= len(before):
        return ""
    kept = {head for _, head in after}
    for doubt, head in before:
        if head in kept or not head:
            continue
        if head in answer.stems and not _is_near(_DOUBTED, answer.lower, head):
            return f"without “{doubt}”"
    return ""


def _doubted(text: str) -> Iterator[tuple[str, str]]:
    """Each doubt with the stem of the first word behind it that says something."""
    doubt, passed, last = "", 0, ""
    for word in _PART.findall(text):
        is_doubt = word in _DOUBTS or (word == "may" and last not in _ALLOWED)
        last = word
        if is_doubt:
            doubt, passed = word, 0
        elif doubt:
            passed += 1
            if not word[0].isalnum() or passed > MAX_DOUBTED:
                doubt = ""
            elif is_content(word):
                yield doubt, stem(word)
                doubt = ""


def _is_near(doubts: AbstractSet[str], text: str, head: str) -> bool:
    """Whether one of some words stands before another one, a stem, in the same clause."""
    doubted = False
    for word in _PART.findall(text):
        if not word[0].isalnum():
            doubted = False
        elif word in doubts:
            doubted = True
        elif doubted and stem(word) == head:
            return True
    return False


_SHADES = frozenset(
    "nearly almost partly partially mostly reportedly supposedly allegedly apparently seemingly"
    " preferably ideally".split()
)
_SHADED = _DOUBTED | frozenset(
    """
    would should can
    nearly almost partly partially mostly about around approximately roughly close just virtually
    told said says reported according report mainly primarily largely usually most if when part
    ideal ideally preferably prefer prefers preferred best better recommend recommended wish like
    love estimated barely hardly predominantly lot sort kind guess approx semi half
    """.split()
)
_SHADING = compiled_later(rf"\b({'|'.join(sorted(_SHADES))}) (?:be |been )?([a-z][a-z'-]*)")
_NEARING = compiled_later(
    r"(?:\b(?:is|are|am|was|were)|'s|'re|'m) (?:still |now |currently )?"
    r"(about to|learning to|starting to|beginning to|trying to|hoping to|working on) ([a-z]+)"
)
_NEARS = frozenset(
    """
    about learn learns learning start starting beginning begin trying try tries working work works
    hope hoping progress soon getting will
    """.split()
)


def shaded(source: Passage, answer: Passage, lost: AbstractSet[str], new: AbstractSet[str]) -> str:
    """A word that something is only nearly so, or so they say, put before what stays; or blank.

    Or one that somebody is only learning, which an answer leaves out.
    """
    if not _SHADES.isdisjoint(new) and "%" not in source.text:
        for shade, word in _SHADING.findall(answer.lower):
            if (
                shade in new
                and word not in _COUNTED
                and source.has(word)
                and not _is_near(_SHADED, source.lower, stem(word))
            ):
                return f"with “{shade}”"
    if not _NEARS.isdisjoint(new) and _NEARS.isdisjoint(source.words):
        for near, word in _NEARING.findall(answer.lower):
            if source.has(word):
                return f"with “{near}”"
    if not _LEARNS.isdisjoint(lost) and _NEARS.isdisjoint(answer.words):
        for near, word in _LEARNING.findall(source.lower):
            if answer.has(word):
                return f"without “{near}”"
    return ""


_LEARNS = frozenset("learning working starting beginning".split())
_LEARNING = compiled_later(
    r"\b(learning(?: to)?|working on|starting to|beginning to)"
    r" (?:his |her |their |the )?([a-z]{4,})"
)


_COUNTED = frozenset(
    "all every everything everyone a an one two three four five six seven eight nine ten half"
    " black white brown tan".split()
)
_BINDING = frozenset(
    "must has_to have_to required requires require requirement mandatory necessary got_to".split()
)
_BOUND = frozenset(word for word, names in WEIGHTY.items() if "must" in names) - {
    "should",
    "ought",
}
_ADVISED = frozenset(
    """
    best ideal ideally better should recommend recommended recommending recommends prefer prefers
    preferred preferably suggest suggested like love appreciate benefit wish plus bonus optional
    """.split()
)


def bound_now(before: Mapping[str, int], lost: AbstractSet[str], new: AbstractSet[str]) -> str:
    """A demand in the place of an advice, where the source demands nothing; or blank."""
    came = new & _BINDING
    if not came or _ADVISED.isdisjoint(lost) or not _BOUND.isdisjoint(before):
        return ""
    return f"{min(came).replace('_', ' ')}, not {min(_ADVISED & lost)}"


_PAST = r"[a-z]+(?:ed|en|ught|pt|ld|nt|de|st|id|et|it|ut|ot|nd|ne)"
_DONE = compiled_later(
    rf"(?:\b(?:has|have|had)|'s|'ve|'d) (?:[a-z]+ly |now |already |just |all |since )?been"
    rf" (?:[a-z]+ly )?({_PAST})\b"
    rf"|\b(?:was|were) (?:[a-z]+ly )?({_PAST})\b"
)
_DOING = compiled_later(
    r"(?:\b(?:is|are|am)|'s|'re|'m) (?:[a-z]+ly |now |still )?(?:being|getting) (?:[a-z]+ly )?"
    rf"({_PAST})\b"
)
_TO_DO = compiled_later(
    r"\b(?:must|should|needs? to|has to|have to|can|is to|are to) be (?:[a-z]+ly )?"
    rf"({_PAST})\b"
)


def done_otherwise(source: Passage, answer: Passage) -> str:
    """What was done in one text and is being done, or has to be, in the other one; or blank."""
    for one, other, more in ((source, answer, True), (answer, source, False)):
        undone = "being" in other.words or "getting" in other.words
        to_do = more and "be" in other.words
        if not (undone or to_do) or _BEEN.isdisjoint(one.words):
            continue
        done = {each for pair in _DONE.findall(one.lower) for each in pair if each}
        done -= {each for pair in _DONE.findall(other.lower) for each in pair}
        for form in (_DOING,) * undone + (_TO_DO,) * to_do:
            same = done & (set(form.findall(other.lower)) - set(form.findall(one.lower)))
            if same:
                return f"{min(same)}, not yet" if not more else f"not yet {min(same)}"
    return ""


_BEEN = frozenset({"been", "was", "were"})
_RESULT = frozenset({"negative", "positive"})
_TESTED = frozenset("tested test tests testing screened".split())
_SAME_RESULT = frozenset("free clear clean results result had has have without".split())


def result_lost(answer: Passage, lost: AbstractSet[str], *, denied: bool) -> str:
    """The result of a test that an answer still speaks of; blank for none."""
    gone = lost & _RESULT
    if not gone or _TESTED.isdisjoint(answer.words):
        return ""
    if denied or not _SAME_RESULT.isdisjoint(answer.words):
        return ""
    return f"without “{min(gone)}”"


_IS_TO = compiled_later(r"\b(?:is|are) to (?:be )?([a-z]+)")
_MAY = frozenset({"can", "could", "may", "might"})
_CAN = compiled_later(r"\b(?:can|could|may|might) (?:be )?([a-z]+)")


def is_to_no_more(source: Passage, answer: Passage, new: AbstractSet[str]) -> str:
    """What is to be done in a source and only can be in the answer; blank for none."""
    if "to" not in source.words or _MAY.isdisjoint(new):
        return ""
    same = set(_IS_TO.findall(source.lower)) & set(_CAN.findall(answer.lower))
    same -= set(_CAN.findall(source.lower)) | set(_IS_TO.findall(answer.lower))
    return f"can, not must {min(same)}" if same else ""


_TOLD = compiled_later(
    r"\baccording to (?:his|her|their|the) (?:former|previous|prior|past|first|original|old)?"
    r" ?(?:owner|family|shelter|people)s?\b|\b(?:we|i) (?:were|was|have been|are) told\b"
    r"|\b(?:former|previous|prior) (?:owner|family|people)s? (?:[a-z]+ )?"
    r"(?:said|says?|told|claim(?:ed|s)?|report(?:ed|s)?)\b"
)
_TELLS = frozenset(
    """
    according said says say told tells tell claim claims claimed report reports reported reportedly
    apparently supposedly allegedly describes described mentions mentioned noted notes states stated
    """.split()
)


def told_no_more(source: Passage, answer: Passage) -> str:
    """Who alone says so by the source, where the answer says it for itself; blank for none."""
    if _TELLS.isdisjoint(source.words) or not _TELLS.isdisjoint(answer.words):
        return ""
    found = _TOLD.search(source.lower)
    return f"without “{found[0]}”" if found else ""


_ABOUT = r"about|around|approximately|approx\.?|roughly|circa|~"
_ABOUT_MONTH = compiled_later(
    rf"\b(?:{_ABOUT}) (?:the )?(?:early |mid |late |beginning of |end of )?"
    r"(?:20\d\d|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? (?:\d))"
)
_ABOUTS = frozenset(
    "about around approximately approx roughly circa estimated estimate approximate so thought"
    " believed likely probably possibly maybe guess est".split()
)


def about_no_more(source: Passage, answer: Passage) -> str:
    """“About” before a date of a source, where the answer is sure of it; blank for none."""
    if _ABOUTS.isdisjoint(source.words) or not _ABOUTS.isdisjoint(answer.words):
        return ""
    found = _ABOUT_MONTH.search(source.lower)
    return f"without “{found[0].split()[0]}”" if found else ""


_PRICED = compiled_later(
    r"\b(waived|reduced|discounted|half[- ]price|half off|sponsored|free)(?: to \$\d+)?"
    r" (?:for|until|through|this|if|when|during|on|till|with) ((?:[a-z0-9'-]+ ?){1,5})"
)


def price_for_all(source: Passage, answer: Passage) -> str:
    """For whom, or until when, a fee is less, where the answer has it for all; blank for none."""
    if _LESS.isdisjoint(source.words):
        return ""
    for less, limit in _PRICED.findall(source.lower):
        told = [word for word in limit.split() if len(word) > 2 and word not in _OF_FEES]
        if told and not any(answer.has(word) or answer.has_alike(word) for word in told):
            return f"without “{' '.join(told)}”, for which it is {less}"
    return ""


_LESS = frozenset("waived reduced discounted half sponsored free".split())
_OF_FEES = frozenset("the and you your our all fee fees adoption more information".split())
_AGE = compiled_later(
    r"\b(?:over|under|above|below|older than|younger than|at least|aged?|ages) (\d+)"
    r"(?:\+| and (?:up|over|older))? ?(months?|weeks?|days?)\b"
)


def other_age(source: Passage, answer: Passage) -> str:
    """A bound of age in months that is a bare number, so of years, in the source; or blank."""
    if _SPANS.isdisjoint(answer.words) or not _SPANS.isdisjoint(source.words):
        return ""
    for number, unit in _AGE.findall(answer.lower):
        if number in source.words:
            return f"{number} {unit}"
    return ""


_SPANS = frozenset("month months week weeks day days mo mos mths wk wks yrs years year yr".split())
