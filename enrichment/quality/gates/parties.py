"""Who does something in a rewritten sentence: who pays, where from and where to, whose it is.

English, as `gates.wording`, which asks. Linear in the sentences' lengths.
"""

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from enrichment.quality.gates.comparison import Passage
from enrichment.quality.patterns import compiled_later

_US = frozenset(
    "we us our ours we'll we've we're rescue rescue's shelter shelter's organization"
    " organization's society humane".split()
)
_YOU = frozenset(
    "you your yours you'll you've you're u adopter adopters adopter's adopters' owner owners"
    " owner's applicant applicants fosters buyer".split()
)
_WHOSE = frozenset({"our", "ours", "your", "yours"})
_PAYS = frozenset(
    "cover covers covered pay pays paid paying provide provides provided supply supplies supplied"
    " responsible bear bears".split()
)
_OWED = frozenset("responsibility expense expenses cost costs charge".split())
_TELLING = _PAYS | _OWED | {"on"}
_CLAUSES = compiled_later(r"[.;:!?()\n]")
_WORDS = compiled_later(r"[a-z]+(?:'[a-z]+)?")
_ON = compiled_later(r"\b(?:is|are|be|was) on (?:the )?([a-z]+)")
MAX_BEFORE = 8  # words between who pays and the verb


def other_payer(source: Passage, answer: Passage) -> str:
    """Who pays in an answer where the source has the other side pay; blank for nobody."""
    if _TELLING.isdisjoint(source.words) or _TELLING.isdisjoint(answer.words):
        return ""
    before, after = _payers(source.lower), _payers(answer.lower)
    for one, other in (("us", "you"), ("you", "us")):
        if before[one] > after[one] and before[other] < after[other]:
            return f"{other} who pays, not {one}"
    return ""


def other_party(lost: AbstractSet[str], new: AbstractSet[str]) -> str:
    """Whether nothing was changed but “we” to “you”, or “you” to “we”; blank for no."""
    for ours, yours in ((lost, new), (new, lost)):
        if ours and yours and ours <= _US and yours <= _YOU:
            return f"{min(new)}, not {min(lost)}"
    return ""


def _payers(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for clause in _CLAUSES.split(text):
        told = _WORDS.findall(clause)
        for at, word in enumerate(told):
            who = ""
            if word in _PAYS:
                behind = told[at + 1 : at + 5]
                who = _first(behind[behind.index("by") :]) if "by" in behind else ""
                near = [each for each in told[max(0, at - MAX_BEFORE) : at] if each not in _WHOSE]
                who = who or _first(near[::-1])
            elif word in _OWED:
                who = _first(told[max(0, at - 3) : at][::-1])
            if who:
                found[who] += 1
        found.update(filter(None, (_first([each]) for each in _ON.findall(clause))))
    return found


def _first(told: list[str]) -> str:
    """Whom the first word that is of one of both speaks of."""
    for each in told:
        if each in _US:
            return "us"
        if each in _YOU:
            return "you"
    return ""


_RELATED: Mapping[str, str] = {
    word: line.split()[0]
    for line in """
        owner owners owner's
        sister sisters sister's sibling siblings littermate littermates brother brothers brother's
        mother mom mama mum mother's mom's momma mommy
        father dad daddy dad's father's
        son sons daughter daughters kids children
        husband husbands wife
    """.strip().splitlines()
    for word in line.split()
}
_SUBJECT = compiled_later(
    r"(?:^|[.!?;] ?|, )(?:(?:his|her|their|our) )(?:foster )?([a-z]+(?:'s)?)"
    r" (?:is|was|has|had|are|were|have|bit|died|can|will)\b"
)
_ALONE = compiled_later(
    r"(?:^|[.!?;] ?|, )(he|she|they|it)(?:'s| (?:is|was|has|had|are|were|have|bit|died|can|will))\b"
)


def other_subject(source: Passage, answer: Passage, lost: AbstractSet[str]) -> str:
    """Whose relative something was said of that is now said of the dog itself; blank for none."""
    if lost.isdisjoint(_RELATED):
        return ""
    gone = [each for each in _SUBJECT.findall(source.lower) if each in lost and each in _RELATED]
    if gone and len(_ALONE.findall(answer.lower)) > len(_ALONE.findall(source.lower)):
        kinds = {_RELATED[each] for each in answer.words & _RELATED.keys()}
        of_it = next((each for each in gone if _RELATED[each] not in kinds), "")
        return f"without “{of_it}”" if of_it else ""
    return ""


_FROM = r"from|departing|leaving|out of"
_TO = r"to|in|at|into|arriving in|arriving at|near"
_PLACED = compiled_later(
    rf"\b({_FROM}|{_TO}) (?:the )?((?:[A-Z][A-Za-z]+,? ?)+)",
)
_SOURCES = frozenset(_FROM.split("|"))


def other_way(source: Passage, answer: Passage) -> str:
    """A place that one came from and another one that one went to, exchanged; blank for none."""
    before, after = _ways(source.text), _ways(answer.text)
    for start in before["from"] & after["to"] - after["from"]:
        for end in before["to"] & after["from"] - before["from"]:
            return f"from {end} to {start}"
    return ""


def _ways(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"from": set(), "to": set()}
    if "rom " in text or "eaving " in text or "eparting " in text:
        for word, places in _PLACED.findall(text):
            found["from" if word in _SOURCES else "to"].update(
                each.strip(",") for each in places.split()
            )
    return found


_NEAR = (
    r"near|nearby|close to|outside(?: of)?|(?:just |due )?(?:north|south|east|west)(?:\w{4})? of"
)
_THERE = compiled_later(
    rf"\b(?:(in|inside|within)|((?i:{_NEAR}))) (?:the )?(?:[Nn]orth|[Ss]outh|[Ee]ast|[Ww]est)? ?"
    r"([A-Z][a-z]+(?: [A-Z][a-z]+)?)(?! (?:area|region|metro|suburb|vicinity))"
)
_NEARBY = frozenset("near nearby close outside north south east west".split())


def other_place(source: Passage, answer: Passage) -> str:
    """A place that something is in by one of two texts, and near or outside by the other."""
    if _NEARBY.isdisjoint(source.words) and _NEARBY.isdisjoint(answer.words):
        return ""
    before, after = _there(source.text), _there(answer.text)
    for place in before.keys() & after.keys():
        if before[place].isdisjoint(after[place]):
            return f"{min(after[place])} {place}, not {min(before[place])}"
    return ""


def _there(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for inside, near, place in _THERE.findall(text):
        how = "in" if inside else near.lower().removeprefix("just ").removeprefix("due ")
        how = "near" if how.startswith(("near", "close")) else how.removesuffix(" of")
        found.setdefault(place, set()).add(how)
    return found
