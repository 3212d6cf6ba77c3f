"""`make quality`: what the gates hold of wrong answers, and of right ones; writes its document.

Each shipped listing with a full text is changed in one way and put in as its own answer to the
description cleaning. Needs no database and no model.
"""

import argparse
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import django

from benchmarks.peers import ROOT

DOCUMENT = ROOT / "docs" / "quality.md"
EVERY = 5  # of the 1,200 full listings
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


@dataclass
class Held:
    """What the gates held of the answers that were changed in one way."""

    held: int = 0
    of: int = 0
    seconds: float = 0.0
    codes: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.held / self.of if self.of else 0.0


def measured(rows: Sequence[tuple[str, str]], change: Change, *, seed: int = 7) -> Held:
    """Change each row's text and ask the gates; rows that can't be changed so don't count.

    `rows` are names and texts. Seconds are of CPU, for all answers together.
    """
    from enrichment.enrichments import get

    cleaning = get("description_cleaning")
    rng, result = random.Random(seed), Held()
    for name, text in rows:
        answer = change(text, rng)
        if answer is None:
            continue
        values = {"name": name, "description": text}
        began = time.process_time()
        found = cleaning.objections(answer, values, variant="")
        result.seconds += time.process_time() - began
        result.of += 1
        result.held += bool(found)
        result.codes.update(each.code for each in found)
        if not found:
            result.missed.append(name)
    return result


def listings(every: int = EVERY) -> list[tuple[str, str]]:
    """Names and plain texts of every so many-th shipped listing with a full text."""
    import csv
    import gzip

    from enrichment.plain_text import plain

    with gzip.open(ROOT / "fixtures" / "dogs.csv.gz", "rt", encoding="utf-8") as lines:
        full = [row for row in csv.DictReader(lines) if row["source"] == "us_full"]
    return [(plain(row["name"]), plain(row["description"])) for row in full[::every]]


def edits() -> list[tuple[str, str]]:
    """Sentences as rescues write them and as an editor corrects them, each in a small text."""
    lines = (Path(__file__).parent / "quality_edits.txt").read_text(encoding="utf-8").splitlines()
    pairs = [tuple(line.split(" => ")) for line in lines if line]
    around = "Thank you for looking at our dogs. {} We check every home before an adoption."
    return [
        (around.format(before.replace("\\n", "\n")), around.format(after))
        for before, after in pairs
    ]


def edited() -> Held:
    """What the gates hold of the right edits."""
    pairs = edits()
    answers = iter([after for _, after in pairs])
    rows = [("a dog", before) for before, _ in pairs]
    return measured(rows, lambda *_: next(answers))


def table(every: int) -> str:
    """The results as a table in Markdown."""
    rows = listings(every)
    lines = [
        "| change | held | of | share | CPU a row | found as |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    results = {name: measured(rows, change) for name, change in CHANGES.items()}
    results["right edits, by hand"] = edited()
    for name, each in results.items():
        codes = ", ".join(f"`{code}`" for code, _ in each.codes.most_common(2))
        cpu = 1000 * each.seconds / max(each.of, 1)
        share = f"{100 * each.share:.1f} %"
        lines.append(f"| {name} | {each.held} | {each.of} | {share} | {cpu:.2f} ms | {codes} |")
    return "\n".join(lines)


HEADER = """# Quality: what the gates find

Written by `make quality`. Shipped listings with a full text, each changed in one way and put in
as its own answer to the description cleaning; the last line are corrections by hand
(`benchmarks/quality_edits.txt`) that must pass. CPU is that of all gates together.

"""
FOOTER = """

Not measured: translations, profiles and tags of real models, judged by hand. The changes are made
by rule; models err in more ways. `tests/enrichment/test_quality.py` holds a small part of it.
"""
INJECTIONS = "\n## Instructions in the data\n"


def main() -> None:
    """Measure, print, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=EVERY, help="Every so many-th listing.")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    found = table(arguments.every)
    print(found)
    said = DOCUMENT.read_text(encoding="utf-8")
    _, section, rest = said.partition(INJECTIONS)  # another command's
    DOCUMENT.write_text(HEADER + found + FOOTER + section + rest, encoding="utf-8")


if __name__ == "__main__":
    main()
