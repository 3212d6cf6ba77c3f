"""Ways in which an answer to the description cleaning goes wrong, each made by a rule."""

import random
import re
from collections.abc import Callable, Sequence

Change = Callable[[str, random.Random], str | None]

INVENTED = (
    "She loves swimming in the lake every morning.", "He is calm.",
    "He is great with cats and small children.", "He won a prize at a dog show.",
    "This dog is fully house trained and sleeps through the night.",
    "Her favourite toy is a blue ball.", "The adoption fee is waived this week.",
    "She was born in a barn in Ohio.",
)  # fmt: skip
ANNOUNCED = (
    "Here is the corrected text:\n\n", "Sure! Here is the corrected listing:\n",
    "Corrected version: ", "Here's the listing, corrected:\n\n",
    "Certainly! Below is the revised description.\n\n",
)  # fmt: skip
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_DENIALS = (
    (r"\bnot ", ""), (r"n['’]t\b", ""), (r"\bno (?=\w)", ""), (r"\bnever\b", "always"),  # noqa: RUF001
    (r"\bcannot\b", "can"), (r"\bwithout\b", "with"),
)  # fmt: skip
_WARNING = re.compile(
    r"\b(no (?:cats|kids|children|dogs|small)|not good with|must|required?|heartworm positive"
    r"|special needs|medication|allerg|only (?:dog|pet)|older children|bites?|cannot|can't)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\d)")
_SHE = {"he": "she", "him": "her", "his": "her"}


def _invented(text: str, rng: random.Random) -> str:
    parts = _SENTENCE.split(text)
    parts.insert(rng.randrange(len(parts) + 1), rng.choice(INVENTED))
    return " ".join(parts)


def _kilograms(text: str, rng: random.Random) -> str | None:
    changed = re.sub(r"(?i)\b(lbs?|pounds?)\b", "kg", text)
    return changed if changed != text else None


def _denial(text: str, rng: random.Random) -> str | None:
    found = [
        (match, instead)
        for pattern, instead in _DENIALS
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]
    if not found:
        return None
    match, instead = rng.choice(found)
    return text[: match.start()] + instead + text[match.end() :]


def _warnings(text: str, rng: random.Random) -> str | None:
    parts = _SENTENCE.split(text)
    kept = [part for part in parts if not _WARNING.search(part)]
    return " ".join(kept) if kept and len(kept) < len(parts) else None


def _swapped(text: str, rng: random.Random) -> str | None:
    found = list(_NUMBER.finditer(text))
    pairs = [(a, b) for i, a in enumerate(found) for b in found[i + 1 :] if a[0] != b[0]]
    if not pairs:
        return None
    a, b = rng.choice(pairs)
    return text[: a.start()] + b[0] + text[a.end() : b.start()] + a[0] + text[b.end() :]


def _she(text: str, rng: random.Random) -> str | None:
    def other(match: re.Match[str]) -> str:
        word = _SHE[match[0].lower()]
        return word.capitalize() if match[0][0].isupper() else word

    changed = re.sub(r"(?i)\b(he|him|his)\b", other, text)
    return changed if changed != text else None


CHANGES: dict[str, Change] = {
    "none": lambda text, _: text,
    "a sentence invented": _invented,
    "lbs to kg": _kilograms,
    "a negation flipped": _denial,
    "warnings left out": _warnings,
    "two numbers swapped": _swapped,
    "he to she": _she,
    "an announcement in front": lambda text, rng: rng.choice(ANNOUNCED) + text,
}


# Of kinds with which the gates were tried when they had been made


def _inserted(texts: Sequence[str]) -> Change:
    def change(text: str, rng: random.Random) -> str:
        parts = _SENTENCE.split(text)
        parts.insert(rng.randrange(len(parts) + 1), rng.choice(texts))
        return " ".join(parts)

    return change


def _instead(pattern: str, other: str | Callable[[re.Match[str]], str]) -> Change:
    """Each that is found becomes the other."""
    found = re.compile(pattern, re.IGNORECASE)

    def change(text: str, rng: random.Random) -> str | None:
        changed = found.sub(other, text)
        return changed if changed != text else None

    return change


def _one_instead(pattern: str, other: Callable[[re.Match[str]], str]) -> Change:
    """One of those that are found becomes the other."""
    found = re.compile(pattern, re.IGNORECASE)

    def change(text: str, rng: random.Random) -> str | None:
        matches = list(found.finditer(text))
        if not matches:
            return None
        match = rng.choice(matches)
        changed = text[: match.start()] + other(match) + text[match.end() :]
        return changed if changed != text else None

    return change


def _without(pattern: str) -> Change:
    """Sentences with it are left out."""
    found = re.compile(pattern, re.IGNORECASE)

    def change(text: str, rng: random.Random) -> str | None:
        parts = _SENTENCE.split(text)
        kept = [part for part in parts if not found.search(part)]
        return " ".join(kept) if kept and len(kept) < len(parts) else None

    return change


_COUNTED = re.compile(
    r"(?<![\w.,/-])[1-9]\d?(?![\w.,/-]*\d)"
    r"(?=\s*(?:years?|yrs?|months?|mos?|weeks?|lbs?|pounds?|dogs|puppies)\b)",
    re.IGNORECASE,
)


def _number_off(text: str, rng: random.Random) -> str | None:
    found = list(_COUNTED.finditer(text))
    if not found:
        return None
    match = rng.choice(found)
    return (
        text[: match.start()] + str(int(match[0]) + rng.choice((1, 2, 3, 10))) + text[match.end() :]
    )


def _cut(text: str, rng: random.Random) -> str | None:
    return text[: len(text) * 4 // 5].rpartition(" ")[0] if len(text) > MIN_CUT else None


MIN_CUT = 300  # characters
OTHER_INVENTED = (
    "He has been to obedience school twice.", "Her previous owner was a nurse.",
    "Swimming is his passion.", "She can jump over any fence.",
    "You will never find a better dog!", "He suffers from arthritis.",
    "The foster family has three teenagers.",
    "She sleeps in bed with her people every night.",
)  # fmt: skip
OTHER_ANNOUNCED = (
    "Here you go:\n", "Edited listing:\n\n", "The text, corrected, reads as follows:\n",
    "Of course. I have rewritten the listing below.\n\n", "**Revised version**\n\n", "Rewritten:\n",
)  # fmt: skip
FAREWELLS = (
    "\n\nLet me know if you want any other changes!", "\n\n(I corrected spelling and punctuation.)",
    "\n\nNote: the capitals were removed.", "\n\nI hope this helps!", "\n\nWord count: 120",
)  # fmt: skip
_PLACES = (
    r"\b(Texas|Ohio|Florida|Waterloo|Iowa|Chicago|California|Georgia|Virginia|Lincoln|Omaha"
    r"|Nebraska|Wisconsin)\b"
)
_HE = {"she": "he", "her": "him"}

OTHER_CHANGES: dict[str, Change] = {
    "a sentence invented": _inserted(OTHER_INVENTED),
    "pounds to grams": _instead(r"\b(lbs?|pounds?)\b", "grams"),
    "years to months": _instead(r"\byears?\b", "months"),
    "weeks to years": _instead(r"\bweeks?\b", "years"),
    "dollars to euros": _instead(r"\$(?=\d)", "€"),
    "a number that is off": _number_off,
    "she to he": _instead(r"\b(she|her)\b", lambda match: _HE[match[0].lower()]),
    "a “not” added": _one_instead(
        r"\b(is|was|does|can|should|will|are|likes)\b(?! not)", lambda match: f"{match[0]} not"
    ),
    "a denial left out": _one_instead(r"\b(no|never|not|without)\b ", lambda _: ""),
    "conditions left out": _without(r"\b(only|unless|except|until|must|needs? to|require)"),
    "dogs to cats": _instead(r"\bdogs\b", "cats"),
    "cats to dogs": _instead(r"\bcats\b", "dogs"),
    "children to adults": _instead(r"\b(kids|children)\b", "adults"),
    "love to hate": _one_instead(r"\bloves\b", lambda _: "hates"),
    "good to bad": _one_instead(r"\b(good|great) (?=with)", lambda _: "bad "),
    "an announcement in front": lambda text, rng: rng.choice(OTHER_ANNOUNCED) + text,
    "a remark at the end": lambda text, rng: text + rng.choice(FAREWELLS),
    "cut at four fifths": _cut,
    "a place exchanged": _one_instead(_PLACES, lambda _: "Oregon"),
}


# What an editor may do


_DIGITS = "zero one two three four five six seven eight nine".split()
RIGHT_CHANGES: dict[str, Change] = {
    "lbs written out": _instead(r"\blbs?\b\.?", "pounds"),
    "& written out": _instead(r" & ", " and "),
    "n't written out": _instead(
        r"\b(do|does|is|are|was|has|have|did|would|should|could)n['’]t\b",  # noqa: RUF001
        r"\1 not",
    ),
    "not shortened": _instead(r"\b(do|does|is|are|was|did) not\b", r"\1n't"),
    "he is shortened": _instead(r"\b(he|she|it) is\b", r"\1's"),
    "kids to children": _instead(r"\bkids\b", "children"),
    "capitals made small": lambda text, _: (
        changed
        if (changed := re.sub(r"\b[A-Z]{4,}\b", lambda found: found[0].lower(), text)) != text
        else None
    ),
    "sentences joined": _instead(
        r"\. (he|she) (is|has|loves)\b", lambda found: f" and {found[1].lower()} {found[2]}"
    ),
    "numbers in words": _instead(
        r"(?<![/\d.-])\b([2-9])(?= (?:years?|months?|weeks?|dogs|puppies|cats))",
        lambda found: _DIGITS[int(found[1])],
    ),
    "“very” left out": _instead(r"\bvery (?=\w)", ""),
    "chipped to microchipped": _instead(r"(?<!micro)\bchipped\b", "microchipped"),
    "hyphens put in": _instead(r"\b(house|crate|potty|leash) trained\b", r"\1-trained"),
}
