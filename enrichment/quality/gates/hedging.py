"""How far something is known and done in a rewritten sentence: whose opinion it is, and since when.

English, as `gates.wording`, which asks. Linear in the sentences' lengths.
"""

import re
from collections.abc import Set as AbstractSet

from enrichment.quality.gates.comparison import Passage
from enrichment.quality.patterns import compiled_later

_GENTLE = frozenset("almost nearly virtually practically about".split())
_ALMOST = compiled_later(
    r"\b(almost|nearly|virtually|practically|just about) "
    r"(any|all|every|everyone|everybody|everything|anyone|anybody|anything|always|never|fully"
    r"|completely|entirely)\b"
)
_NEARLY = r"(?:almost|nearly|virtually|about|practically|mostly|most|not|essentially) %s\b"
_UNKNOWN = frozenset("unknown unsure untested uncertain undetermined unclear".split())
_GOOD = frozenset("good well great fine friendly okay wonderful wonderfully nicely".split())
_NOT_SURE = _UNKNOWN | frozenset(
    "not no know known knows sure tested idea may might perhaps possibly probably maybe".split()
)
_FEELS = compiled_later(
    r"\b((?:foster|owner|vet|veterinarian|trainer|family|shelter|rescue|mom|mother|dad|father"
    r"|parent|volunteer|staff|groomer|doctor|caretaker|handler)s?)(?: [a-z]+)? "
    r"(feels?|felt|figures?|reckons?)"
    r"(?: (?:that|like|as if|as though))? (?:he|she|they|it|his|her|their|its|this|these)\b"
)
_FEELING = frozenset("feel feels felt figure figures reckon reckons".split())
_OPINIONS = _FEELING | frozenset(
    """
    think thinks thought believe believes believed suspect suspects opinion according say says said
    tell tells told report reports reported reportedly seem seems seemed appear appears apparently
    may might probably likely perhaps possibly recommend recommends find finds
    """.split()
)
_PROMISED = (
    "spayed|neutered|altered|fixed|sterilized|vaccinated|microchipped|chipped|tested|retested"
    "|treated|dewormed|refunded|returned|required|waived|transported|delivered"
)
_WILL_BE = compiled_later(
    rf"\b(?:will|'ll|shall|must) (?:[a-z]+ )?be (?:[a-z]+ly )?({_PROMISED})\b"
)
_CAN_BE = compiled_later(rf"\b(?:can|could|may|might) (?:[a-z]+ )?be (?:[a-z]+ly )?({_PROMISED})\b")
_MAY = frozenset({"can", "could", "may", "might"})
_STATE = (
    r"(?:house|home|potty|crate|leash|kennel|litter(?: box)?|pad)?[ -]?(trained|broken|housebroken"
    r"|housetrained|spayed|neutered|altered|vaccinated|socialized|microchipped|healed|cured)\b"
)
_IS_SO = compiled_later(
    rf"(?:\b(?:is|are|am)|'s|'re|'m) (?:(?:[a-z]+ly|already|now|both|all) )?{_STATE}"
)
_IS_BEING = compiled_later(
    rf"(?:\b(?:is|are|am)|'s|'re|'m) (?:(?:[a-z]+ly|now|both|all) )?(?:being|getting) {_STATE}"
)
_BEING = frozenset({"being", "getting"})
_SINCE = compiled_later(r"(?:\b(?:has|have)|'s|'ve) (?:[a-z]+ )(?:[^\s.;!?]+ ){0,8}?since\b")
_LASTING = frozenset(
    """
    since from ago has have for after because as until still through
    arrived came joined entered began started moved rescued found surrendered adopted got went
    """.split()
)


def known_otherwise(
    source: Passage, answer: Passage, lost: AbstractSet[str], new: AbstractSet[str]
) -> str:
    """What an answer knows surer, or has further or longer, than its source; blank for nothing.

    `lost` and `new` are the words that only one of both has.
    """
    return (
        (not _GENTLE.isdisjoint(lost) and _all_now(source, answer))
        or (not _UNKNOWN.isdisjoint(lost) and _good_now(answer, lost, new))
        or (not _FEELING.isdisjoint(lost) and _felt_no_more(source, answer))
        or (not _MAY.isdisjoint(new) and _only_can(source, answer))
        or _still_being(source, answer, lost, new)
        or ("since" in new and _lasts_now(source, answer))
        or ""
    )


def _all_now(source: Passage, answer: Passage) -> str:
    """“Almost” before “any” or “all” that stay."""
    for almost, every in _ALMOST.findall(source.lower):
        if every in answer.words and not re.search(_NEARLY % every, answer.lower):
            return f"without “{almost}”"
    return ""


def _good_now(answer: Passage, lost: AbstractSet[str], new: AbstractSet[str]) -> str:
    """What is unknown in a source, and good in the answer."""
    good = _GOOD & new
    if good and _NOT_SURE.isdisjoint(answer.words) and "n't" not in answer.lower:
        return f"{min(good)}, not {min(_UNKNOWN & lost)}"
    return ""


def _felt_no_more(source: Passage, answer: Passage) -> str:
    """Somebody's opinion that the answer has for its own."""
    if not _OPINIONS.isdisjoint(answer.words):
        return ""
    found = _FEELS.search(source.lower)
    return f"without “{found[1]} {found[2]}”" if found else ""


def _only_can(source: Passage, answer: Passage) -> str:
    """What will be done in a source, and only can be in the answer."""
    may = set(_CAN_BE.findall(answer.lower))
    if not may:
        return ""
    may &= set(_WILL_BE.findall(source.lower))
    may -= set(_CAN_BE.findall(source.lower)) | set(_WILL_BE.findall(answer.lower))
    return f"can be, not will be {min(may)}" if may else ""


def _still_being(
    source: Passage, answer: Passage, lost: AbstractSet[str], new: AbstractSet[str]
) -> str:
    """“House trained” in one text that is “being house trained” in the other."""
    for one, other, only in ((source, answer, new), (answer, source, lost)):
        if _BEING.isdisjoint(only):
            continue
        being = set(_IS_BEING.findall(other.lower)) - set(_IS_BEING.findall(one.lower))
        being &= set(_IS_SO.findall(one.lower)) - set(_IS_SO.findall(other.lower))
        if being:
            said = min(being)
            return f"being {said}, not {said}" if one is source else f"{said}, not being {said}"
    return ""


def _lasts_now(source: Passage, answer: Passage) -> str:
    """What was once in a source, and has been since then in the answer."""
    if not _LASTING.isdisjoint(source.words) or not _SINCE.search(answer.lower):
        return ""
    return "since then, not then"
