"""Where a sentence begins to warn of what a row does to others: nothing pleasant is meant then."""

from enrichment.quality.patterns import compiled_later

_BEINGS = (
    r"(?:(?:other|small|smaller|little|young|younger|any|strange|unknown|male|female|most|some) )*"
    r"(?:cats?|kitt(?:y|ies|ens?)|felines?|kids?|child(?:ren)?|toddlers?|bab(?:y|ies)|dogs?|pets?"
    r"|animals?|livestock|chickens|birds|rabbits|horses|men|strangers|squirrels)"
)
# From here on a sentence warns, until it turns: “shouldn't be around cats, she thinks …”.
_WARNING = compiled_later(
    r"\b(?:(?:should|can|could|must|will|would)(?:n't|not| not| never)"
    r" (?:be|live|go|get|do|have|share)\b"
    rf"(?=(?: \w+){{0,5}} {_BEINGS}\b)"
    rf"|not (?:be )?(?:\w+ )?(?:good|great|safe|ok|okay|suited|suitable|recommended|compatible|fond"
    rf"|friendly|a fan|a fit|fine) (?:\w+ ){{0,3}}{_BEINGS}"
    rf"|(?:does|do|did)(?:n't| not) (?:like|tolerate|care for|do well|get along|play well|enjoy)"
    rf"(?: with)? {_BEINGS}"
    rf"|no {_BEINGS}"
    rf"|(?:chas(?:e|es|ed|ing)|attack(?:s|ed)?|kill(?:s|ed)?|hunts?|bit|bites?) (?:the )?{_BEINGS}"
    r"|prey drive|thinks? (?:that )?(?:they|cats?|kitt(?:y|ies|ens)|squirrels|chickens|rabbits)"
    r"(?: are|'re))\b"
)


def warning_in(text: str) -> int:
    """Where a warning begins in an English sentence in lower case; -1 where it has none."""
    found = _WARNING.search(text)
    return -1 if found is None else found.start()
