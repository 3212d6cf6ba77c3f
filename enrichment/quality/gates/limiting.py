"""Words that limit what a sentence says: none is left out of a rewritten one, none put in.

English, as `gates.wording`, which asks. Linear in the sentences' lengths.
"""

from enrichment.quality.gates import put_in, states
from enrichment.quality.gates.compared_words import Wording
from enrichment.quality.gates.comparison import Passage
from enrichment.quality.lexicon.editing import MAY_COME, MAY_GO, WEIGHTY
from enrichment.quality.patterns import compiled_later


def limits_kept(
    before: Wording, after: Wording, source: Passage, answer: Passage, added: Passage
) -> str:
    """Whether a word that limits what is said was left out or put in.

    A fee may stand in another sentence that was `added`.
    """
    had, has = _weighty(before), _weighty(after)
    if had.keys() == has.keys():
        return ""
    stated = _stated(source, answer, added, only=("only" in had) is not ("only" in has))
    for name in sorted(had.keys() - has.keys() - MAY_GO - stated):
        if not answer.misspells(had[name]):
            return f"without “{had[name].replace('_', ' ')}”"
    for name in sorted(has.keys() - had.keys() - MAY_COME - (stated & _SAID_BEFORE)):
        if not source.misspells(has[name]):
            return f"with “{has[name].replace('_', ' ')}”"
    return ""


def _stated(source: Passage, answer: Passage, added: Passage, *, only: bool) -> set[str]:
    """What limits in one of two texts and is said in the other one in words of another kind."""
    stated = set[str]()
    if "?" in answer.text and "?" not in source.text:  # “Interested? Call us.”
        stated.add("condition")
    if not _OLDER.isdisjoint(answer.words | source.words):  # “21 or older”
        stated.add("least")
    if states.lasts(source.lower):  # “for the rest of his life”
        stated.add("always")
    if (
        _PRICE.search(answer.lower)
        or not _FEES.isdisjoint(added.words)
        or put_in.names_no_fee(source)
    ):
        stated.add("fee")
    if "two" in source.words ^ answer.words:  # “both ears”, “her two ears”
        stated.add("both")
    if only and put_in.only_for_just(source, answer):
        stated.add("only")
    return stated


_SAID_BEFORE = frozenset({"least", "always", "only"})
_OLDER = frozenset("older over up more taller above larger".split())
_FEES = frozenset(word for word, names in WEIGHTY.items() if "fee" in names)
_PRICE = compiled_later(r"\$|\bdollars?\b|\bfree\b")


def _weighty(wording: Wording) -> dict[str, str]:
    """What limits, by its name, with the word that does."""
    return {name: word for word in wording.words.keys() & WEIGHTY.keys() for name in WEIGHTY[word]}
