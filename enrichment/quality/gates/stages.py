"""How far something has come in a rewritten sentence: planned, under way, done; can be, or is.

English, as `gates.wording`, which asks. Linear in the sentences' lengths.
"""

import re
from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from itertools import pairwise

from enrichment.quality.gates.comparison import Passage, is_content, stem, words
from enrichment.quality.lexicon.editing import COUNTS, PAST, WEIGHTY
from enrichment.quality.patterns import compiled_later

_WILL = frozenset({"will", "shall", "going_to", "can"})


def already(lost: AbstractSet[str], new: AbstractSet[str], answer: Passage) -> str:
    """What is still to be done in a source and was done in the answer; blank for nothing."""
    if _WILL.isdisjoint(lost):
        return ""
    for word in sorted(new):
        if not word.endswith("ed") or {word[:-2], word[:-1], word[:-3]}.isdisjoint(lost):
            continue
        if not re.search(_HELPED % word, answer.lower):
            return f"{word}, not yet"
    return ""


_HELPED = r"\b(?:be|being|been|is|are|get|gets|[a-z]+'s) (?:[a-z]+ )?%s\b"
_MAY_BE = compiled_later(
    r"\b(?:can|could|may|might)(?: [a-z]+ly| also| still| sometimes| at times)? be "
    r"((?:[a-z'-]+ ){0,3}[a-z'-]+)"
)
_IS = compiled_later(r"(?:\b(?:is|are|was|were|am)|'s|'re|'m) ((?:[a-z'-]+ ){0,3}[a-z'-]+)")


def is_for_can_be(source: Passage, answer: Passage) -> str:
    """What “can be” so in one text and “is” so in the other, or the other way; blank for none."""
    for one, other, now in ((source, answer, "is"), (answer, source, "can be")):
        if " be " not in one.lower:
            continue
        may = list(_said(_MAY_BE, one.lower))
        if not may:
            continue
        its = set(_said(_MAY_BE, other.lower))
        before = set(_said(_IS, one.lower))
        after = set(_said(_IS, other.lower))
        for each in may:
            if each in after and each not in its and each not in before:
                return f"{now} {each}"
    return ""


def _said(form: re.Pattern[str], text: str) -> Iterator[str]:
    """The first word of content behind each place that a form finds."""
    for found in form.findall(text):
        for word in words(found):
            if is_content(word) and word not in _DEGREES:
                if not word.endswith(("ed", "en")) or word in _STATES:
                    yield stem(word)
                break


_DEGREES = frozenset("bit little somewhat rather fairly extremely quite".split())
_STATES = frozenset({"crated", "reserved", "excited", "scared", "stubborn"})
_BOUNDS = compiled_later(
    r"\b(?:over|under|(?:more|less|fewer|older|younger|larger) than|up to|at most|above|below) "
    r"\$?(\d+|[a-z]+)\b"
)
_BOUND = frozenset(
    "over under more less fewer above below up most least maximum minimum max min older younger"
    " larger smaller plus within limit".split()
)


def unbound(source: Passage, answer: Passage) -> str:
    """A number that was a bound in the source and is none now: “up to 8 hours”; blank for none."""
    if _BOUND.isdisjoint(source.words) or not _BOUND.isdisjoint(answer.words):
        return ""
    for number in _BOUNDS.findall(source.lower):
        counts = number.isdigit() or number in COUNTS
        if counts and number in answer.words and "+" not in answer.text:
            return f"{number} without its bound"
    return ""


_SHORT_IS = compiled_later(
    r"\b(?:he|she|it|who|there)'s (?!(?:been|got|had|just|[a-z]+ed|[a-z]+en|found|born)\b)"
)
_ARE, _WERE = frozenset({"is", "are", "am", "has"}), frozenset({"was", "were", "had"})


def short_is(
    source: Passage, answer: Passage, lost: AbstractSet[str], new: AbstractSet[str]
) -> str:
    """Whether “he's” in one text is “he was” in the other; blank for no."""
    for one, other, gone, came in ((source, answer, lost, new), (answer, source, new, lost)):
        if _WERE.isdisjoint(came) or not (_ARE.isdisjoint(came) and _WERE.isdisjoint(gone)):
            continue
        if len(_SHORT_IS.findall(one.lower)) > len(_SHORT_IS.findall(other.lower)):
            return "was, not is" if one is source else "is, not was"
    return ""


_AS = compiled_later(r"\bas ([a-z]+) as\b")


_MUST = frozenset(word for word, names in WEIGHTY.items() if "must" in names) - {"should", "ought"}
_WISHED = frozenset(
    "like likes love loves enjoy enjoys appreciate appreciates benefit benefits plus bonus nice"
    " helpful could perhaps possibly".split()
)
_WAS = frozenset({"was", "were", "has_been"})
_MAY = frozenset({"may", "might", "could"})


def softened(before: Counter[str], after: Counter[str], lost: AbstractSet[str]) -> str:
    """A demand that became a wish while another one stands, or what happened and now may.

    `lost` are the words that there were more of before.
    """
    if _MUST.isdisjoint(lost) and _WAS.isdisjoint(lost):
        return ""
    fell = sum(before[word] - after[word] for word in _MUST)
    rose = [word for word in _WISHED if after[word] > before[word]]
    if fell > 0 and rose and any(after[word] for word in _MUST):
        return f"{min(rose)}, not a must"
    if any(before[word] > after[word] for word in _WAS) and any(
        after[word] > before[word] for word in _MAY
    ):
        return "may be, not was"
    return ""


def compared_otherwise(source: Passage, answer: Passage) -> str:
    """Whether one is more so than another in one text, and as much in the other."""
    for one, other in ((source, answer), (answer, source)):
        if "than" in one.words and "than" not in other.words and "as" in other.words:
            for word in _AS.findall(other.lower):
                if not _AS.search(one.lower) and (one.has(word) or f"{word}er" in one.words):
                    return f"as {word} as"
    return ""


def counts_moved(source: Passage, answer: Passage) -> str:
    """Two numbers in words that count each other's things: “two girls and three boys”."""
    if len(COUNTS.keys() & source.words) < 2 or len(COUNTS.keys() & answer.words) < 2:
        return ""
    before, after = _counted(source.text), _counted(answer.text)
    for one in before.keys() & after.keys():
        if before[one] & after[one]:
            continue
        for other in before.keys() & after.keys() - {one}:
            if after[one] & before[other] and not before[other] & after[other]:
                return f"{one} and {other} have changed places"
    return ""


def _counted(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    told = words(text)
    for word, behind in pairwise(told):
        if word in COUNTS:
            found.setdefault(word, set()).add(stem(behind))
    return found


_PERFECT, _PRESENT = frozenset({"has", "have"}), frozenset({"is", "are"})


def tenses(lost: AbstractSet[str], new: AbstractSet[str], told: str) -> str:
    """Verbs that stood in the present and are past now, or the other way."""
    return _tense(lost, new, told) or _tense(new, lost, told)


# Whoever said something says it still.
_SAYING = frozenset(map(stem, "describes says tells reports calls mentions notes states".split()))
# No past: “is required”, “once he has warmed up”.
_PRESENT_FORM = (
    r"\b(?:is|are|be|been|being|'s|'re) (?:[a-z]+ly )?%s\b"
    r"|\b(?:once|after|when|until)(?: [a-z]+){1,3} ha(?:s|ve) (?:[a-z]+ )?%s\b"
    r"|\b(?:is|are|be|been|being)(?: [a-z]+){1,5} (?:and|or) %s by\b"
    r"|\b(?:will|to|can|would|could|may|might|does|do|did|doesn't|don't) (?:not )?%s\b"  # mistyped
)


def _tense(ones: AbstractSet[str], others: AbstractSet[str], told: str) -> str:
    """A verb of the past among the ones that is of the present among the others."""
    progresses = ones & _PERFECT and others & _PRESENT  # “has cleared”, “is clearing”
    for word in ones:
        if word.endswith("ed") and len(word) > 3 and word != "aged":
            forms = [f"{word[:-2]}s", f"{word[:-1]}s", f"{word[:-2]}es"]
            forms += [f"{word[:-2]}ing"] if progresses else []
        elif word in PAST:
            base = PAST[word]
            forms = [f"{base}s", f"{base}es"]
            if not re.search(rf"\b(?:did(?:n't)?|didnt)(?: not)?(?: [a-z]+ly)? {base}\b", told):
                forms.append(base)
            forms += [f"{base}ing", f"{base[:-1]}ing", f"{base}{base[-1]}ing"]
        else:
            continue
        found = next((each for each in forms if each in others), "")
        if (
            found
            and stem(word) not in _SAYING
            and not re.search(_PRESENT_FORM % (word, word, word, word), told)
        ):
            return f"{found}, {word}"
    return ""
