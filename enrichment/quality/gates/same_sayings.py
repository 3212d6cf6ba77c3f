"""Sayings that deny the same in other words, brought into one form before texts are compared.

English: “not willing” and “unwilling”, “no matter how” and “however”. Asked of what was changed
alone; linear in the texts' lengths.
"""

import re

from enrichment.quality.patterns import compiled_later, re2_compiled_later

# What is wished for is, though “was” agrees with “would”: “would love a home that was quiet”.
_WISH = (
    r"(?:would|['’]d) (?:[a-z]+ ){1,5}(?:a|an|any|some|someone|somebody) "  # noqa: RUF001
    r"(?:[a-z-]+ ){0,4}(?:that|who|which)"
)
# What both sides are read as: what such a saying has in it, its form, and what it becomes.
_SAYINGS = tuple(
    (tuple(within.split("|")), compiled_later(rf"\b(?:{pattern})\b", re.IGNORECASE), said)
    for within, pattern, said in (
        ("no matter", r"no matter (?=how|what|where|who|when|which)", "ever "),
        ("knowledge|idea|no information|little information|clue",
         r"(?:have|has) (?:no|little) (?:knowledge|idea|information|clue)(?: of| about| as to)?",
         "do not know"),
        ("yet to", r"(?P<has>has|have) yet to be", r"\g<has> not yet been"),
        ("yet to", r"(?P<has>has|have) yet to", r"\g<has> not yet"),
        ("that was|that were|who was|who were|which was|which were",
         rf"(?P<wish>{_WISH}) (?:was|were)", r"\g<wish> is"),
        ("barely|scarcely", r"(?:barely|scarcely) (?=any|ever|at all)", "hardly "),
        ("refuse", r"(?:will|would) refuse to|refuses? to", "will not"),
        ("refused", "refused to", "would not"),
        ("used to",
         r"(?:(?<=not )(?<!did not )|(?<=n['’]t )(?<!didn['’]t ))used to",  # noqa: RUF001
         "accustomed to"),
        ("unaccustomed", "unaccustomed to", "not accustomed to"),
        ("or without", r"with (?P<what>[a-z]+(?: [a-z]+){0,2}) or without",
         r"with or without \g<what>"),
        ("never ending|never-ending|unending", r"never[- ]ending|unending", "endless"),
        ("in no time", r"in no time(?: at all)?", "quickly"),
        ("on my own|on his own|on her own|on its own|on their own|on your own",
         r"on (?:my|his|her|its|their|your) own", "alone"),
        ("fur bab|fur-bab|furbab|furkid|fur-kid|fur kid", r"fur[- ]?(?:baby|kid)", "dog"),
        ("fur bab|fur-bab|furbab|furkid|fur-kid|fur kid", r"fur[- ]?(?:babies|kids)", "dogs"),
        ("fur-ever|fur ever", r"fur[- ]ever", "forever"),
        ("dunno", "dunno", "do not know"),
        ("wanna", "wanna", "want to"),
        ("gonna", "gonna", "going to"),
        ("tryna", "tryna", "trying to"),
        ("lemme", "lemme", "let me"),
        ("gimme", "gimme", "give me"),
        ("pawsome|paw-some", r"paw-?some", "awesome"),
        ("pawfect|paw-fect", r"paw-?fect", "perfect"),
    )
)  # fmt: skip
# Asked of every changed text, in one pass: nearly all have none of them.
_MAY_SAY = re2_compiled_later(
    "|".join({each: "" for within, *_ in _SAYINGS for each in within}).encode()
)
_EVER = compiled_later(r"\b(how|what|where|who|when|which)ever\b(?!,)", re.IGNORECASE)
_DENIED = compiled_later(
    r"(?:\bnot|n['’]t|\bnever|\bno)"  # noqa: RUF001
    r"(?: (?:[a-z]+ly|very|too|really|yet|be|been|being|ever))* ([a-z]{4,})"
)
_UN = compiled_later(r"\b(?:un|in|im|non-?)([a-z]{4,})\b")
MIN_SAME = 4  # letters that tell a word again: “known” of “know”
_LACKS = compiled_later(r"\black(?:s|ed|ing)?\b", re.IGNORECASE)
_MISSING = compiled_later(r"\bmissing\b", re.IGNORECASE)
_FREE = compiled_later(
    r"\b((?:heart|hook|tape|round)?worm|hw|flea|tick|parvo|disease|seizure|cancer|symptom|pain|mange"
    r"|infection|parasite|accident)[ -]free\b",
    re.IGNORECASE,
)
_BEINGS = {"cat": "cats", "dog": "dogs", "pet": "pets", "kid": "kids", "child": "children"}
_FREE_OF = compiled_later(  # “a cat-free home”
    r"\b(?:(?:an? )?(cat|dog|pet|kid|child)(?:ren|s)?[ -]free)"
    r"( (?:[a-z]+ )?(?:home|house|household|family|environment|apartment)s?)?\b",
    re.IGNORECASE,
)
_HER_BABIES = compiled_later(r"\b(her|(?:mama|mom|[A-Z][a-z]+)\Ws) bab(?:y|ie)(s?)\b")
_DENIES = compiled_later(r"\b(?:not?|never|without|lack(?:s|ed|ing)?)\b|n['’]t\b", re.IGNORECASE)  # noqa: RUF001


def alike(text: str, other: str) -> tuple[str, str]:
    """Two texts, with what one of them denies otherwise than the other in the same form.

    Where only one of them has a saying it stays as it is, unless it is one that is always read in
    one form.
    """
    if _may_say(text) or _may_say(other):
        if "no matter" in text or "no matter" in other:
            text, other = (_EVER.sub(r"ever \1", each) for each in (text, other))
        both = f"{text}\n{other}".lower()
        for within, saying, said in _SAYINGS:
            if any(map(both.__contains__, within)):
                text, other = saying.sub(said, text), saying.sub(said, other)
    return _as_in(text, other), _as_in(other, text)


def _may_say(text: str) -> bool:
    return _MAY_SAY.search(text.lower().encode(errors="surrogatepass")) is not None


def _denies(text: str) -> bool:
    if not text.isascii():
        return _DENIES.search(text) is not None
    return _DENIES_IN_ASCII.search(text.lower()) is not None


# The same as `_DENIES`, of a text in lower case: it skips to letters that it may begin with.
_DENIES_IN_ASCII = compiled_later(
    r"[nwl](?:(?<=n)'t\b|(?<!\w.)(?:(?<=n)(?:ot?|ever)|(?<=w)ithout|(?<=l)ack(?:s|ed|ing)?)\b)"
)


def _as_in(text: str, other: str) -> str:
    """A text with “not willing” for “unwilling” and the like where the other has only that."""
    if "bab" in text and "pup" in other and "bab" not in other and "pup" not in text:
        text = _HER_BABIES.sub(r"\1 pup\2", text)
    if not _denies(other):
        return text
    lower = other.lower()
    denied = {each[:MIN_SAME] for each in _DENIED.findall(lower)}
    if denied:
        text = _UN.sub(
            lambda found: (
                f"not {found[1]}"
                if found[1][:MIN_SAME] in denied and found[0] not in lower
                else found[0]
            ),
            text,
        )
    if "free" in text and "free" not in lower:
        text = _FREE_OF.sub(_without, _FREE.sub(r"no \1", text))
    if "missing" in text and _LACKS.search(lower) and not _LACKS.search(text):
        text = _MISSING.sub("lacking", text)
    return text


def _without(found: re.Match[str]) -> str:
    """“A home without cats” for “a cat-free home”."""
    beings = _BEINGS[found[1].lower()]
    return f"a{found[2]} without {beings}" if found[2] else f"without {beings}"
