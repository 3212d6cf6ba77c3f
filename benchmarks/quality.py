"""`make quality`: what the gates hold of wrong answers, and of right ones; writes its document.

Each shipped listing with a full text is changed in one way and put in as its own answer to the
description cleaning; translations of our own are spoilt; answers of a model were judged by hand.
Needs no database and no model.
"""

import argparse
import os
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

import django

from benchmarks.judgements import judged_section
from benchmarks.peers import ROOT
from benchmarks.quality_changes import CHANGES, OTHER_CHANGES, RIGHT_CHANGES, Change

if TYPE_CHECKING:
    from enrichment.quality.gates import GateFinding

DOCUMENT = ROOT / "docs" / "quality.md"
EVERY = 5  # of the 1,200 full listings


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


def measured(
    rows: Sequence[tuple[str, str]],
    change: Change,
    *,
    seed: int = 7,
    languages: Iterable[str] = repeat(""),
) -> Held:
    """Change each row's text and ask the gates; rows that can't be changed so don't count.

    `rows` are names and texts. `languages` are those of the answers that are translations, blank
    for an answer that only edits. Seconds are of CPU, for all answers together.
    """
    rng, result = random.Random(seed), Held()
    for (name, text), language in zip(rows, languages, strict=False):
        answer = change(text, rng)
        if answer is None:
            continue
        began = time.process_time()
        found = _objections(name, text, answer, language)
        result.seconds += time.process_time() - began
        result.of += 1
        result.held += bool(found)
        result.codes.update(each.code for each in found)
        if not found:
            result.missed.append(name)
    return result


def _objections(name: str, text: str, answer: str, language: str) -> "tuple[GateFinding, ...]":
    from enrichment.enrichments import get

    if language:
        values = {"name": name, "text": text, "language": language}
        translation, columns = get("translation"), {"name": name}
        return translation.objections(answer, values, variant=language, columns=columns)
    values = {"name": name, "description": text}
    return get("description_cleaning").objections(answer, values, variant="")


def listings(every: int = EVERY) -> list[tuple[str, str]]:
    """Names and plain texts of every so many-th shipped listing with a full text."""
    import csv
    import gzip

    from enrichment.plain_text import plain

    with gzip.open(ROOT / "fixtures" / "dogs.csv.gz", "rt", encoding="utf-8") as lines:
        full = [row for row in csv.DictReader(lines) if row["source"] == "us_full"]
    return [(plain(row["name"]), plain(row["description"])) for row in full[::every]]


AROUND = "Thank you for looking at our dogs. {} We check every home before an adoption."
TRANSLATED = ("ja", "ko", "zh")  # an edit of one of these kinds is a translation


def edits(file: str = "quality_edits.txt") -> list[tuple[str, str, str]]:
    """Kind, source and answer of a file's lines, each in a small text; most have no kind."""
    lines = (Path(__file__).parent / file).read_text(encoding="utf-8").splitlines()
    found = []
    for line in filter(None, lines):
        before, _, after = line.partition(" => ")
        kind, _, source = before.rpartition(" | ")
        around = "{}" if kind in TRANSLATED else AROUND
        found.append((kind, around.format(source.replace("\\n", "\n")), around.format(after)))
    return found


def edited(file: str = "quality_edits.txt", half: int | None = None) -> Held:
    """What the gates hold of a file's edits; `half` 0 or 1: of every other one."""
    pairs = edits(file)[half or 0 :: 1 if half is None else 2]
    answers = iter([after for _, _, after in pairs])
    rows = [("a dog", before) for _, before, _ in pairs]
    languages = [kind if kind in TRANSLATED else "" for kind, _, _ in pairs]
    return measured(rows, lambda *_: next(answers), languages=languages)


@dataclass(frozen=True, slots=True)
class SpoiltTranslation:
    """A translation of a listing of ours, right or with one thing wrong."""

    language: str
    name: str
    source: str
    text: str
    kind: str  # what is wrong; blank for nothing


def translations() -> Iterator[SpoiltTranslation]:
    """Those of `quality_translations.txt`."""
    sources: dict[str, tuple[str, str]] = {}
    language = name = source = right = ""
    path = Path(__file__).parent / "quality_translations.txt"
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        head, _, rest = line.partition(" | ")
        if head.startswith("en "):
            name, _, source = rest.partition(" | ")
            sources[head.split()[1]] = name, source
        elif head[-1].isdigit():
            language, number = head.split()
            (name, source), right = sources[number], rest
            yield SpoiltTranslation(language, name, source, right, "")
        else:
            wrong, _, instead = rest.partition(" =>")
            text = " ".join(right.replace(wrong, instead.strip(), 1).split())
            yield SpoiltTranslation(language, name, source, text, head)


def translated() -> dict[str, Held]:
    """What the gates hold of the translations, by what is wrong with them."""
    from enrichment.enrichments import get

    translation = get("translation")
    found: dict[str, Held] = {}
    for each in translations():
        result = found.setdefault(each.kind, Held())
        values = {"name": each.name, "text": each.source, "language": each.language}
        columns = {"name": each.name}
        began = time.process_time()
        objections = translation.objections(
            each.text, values, variant=each.language, columns=columns
        )
        result.seconds += time.process_time() - began
        result.of += 1
        result.held += bool(objections)
        result.codes.update(finding.code for finding in objections)
        if bool(objections) is not bool(each.kind):
            result.missed.append(f"{each.language}: {each.text}")
    return found


def table(every: int) -> str:
    """The results as tables in Markdown."""
    rows = listings(every)
    # Searches build their automata at first, and other programs are in the way: the best of some.
    clean = min((measured(rows, CHANGES["none"]) for _ in range(9)), key=lambda each: each.seconds)
    results = {name: measured(rows, change) for name, change in CHANGES.items()} | {"none": clean}
    results["right edits, by hand"] = edited()
    results["right edits, by another"] = edited("quality_edits_more.txt")
    results["right edits, of shipped sentences"] = edited("quality_edits_shipped.txt")
    results["right edits, rewritten"] = edited("quality_edits_rewritten.txt")
    results["right edits, last"] = edited("quality_edits_last.txt")
    results["right edits, corrections alone"] = edited("quality_edits_corrected.txt")
    results["right edits, narrow"] = edited("quality_edits_narrow.txt")
    results["right edits, narrow, later"] = edited("quality_edits_unseen.txt")
    results["right edits, narrow, latest"] = edited("quality_edits_latest.txt")
    results["right edits, freer"] = edited("quality_edits_free.txt")
    results["right edits, of all kinds"] = edited("quality_edits_blind.txt")
    results["right edits, of all kinds, later"] = edited("quality_edits_blind_later.txt")
    results["right edits, freer, by kind"] = edited("quality_edits_kinds.txt")
    results["right edits, of all kinds, third"] = edited("quality_edits_blind_third.txt")
    results["right edits, of all kinds, fourth"] = edited("quality_edits_blind_fourth.txt")
    results["right edits, of all kinds, fifth"] = edited("quality_edits_blind_fifth.txt")
    results["right edits, of all kinds, sixth"] = edited("quality_edits_blind_sixth.txt")
    results["right edits, of all kinds, seventh"] = edited("quality_edits_blind_seventh.txt")
    results["right edits, of all kinds, eighth"] = edited("quality_edits_blind_eighth.txt")
    results["right edits, of all kinds, ninth"] = edited("quality_edits_blind_ninth.txt")
    results["right edits, of all kinds, tenth"] = edited("quality_edits_blind_tenth.txt")
    others = {name: measured(rows, change) for name, change in OTHER_CHANGES.items()}
    hostile = {
        "by hand, for mending": edited("quality_hostile.txt", 0),
        "by hand, held out": edited("quality_hostile.txt", 1),
        "by hand, later": edited("quality_hostile_more.txt"),
        "by hand, of rewritten sentences": edited("quality_hostile_rewritten.txt"),
        "by hand, last": edited("quality_hostile_last.txt"),
        "by hand, of corrections": edited("quality_hostile_corrected.txt"),
        "by hand, of narrow edits": edited("quality_hostile_unseen.txt"),
        "by hand, of freer edits": edited("quality_hostile_free.txt"),
        "by hand, of all kinds": edited("quality_hostile_blind.txt"),
        "by hand, of all kinds, later": edited("quality_hostile_blind_later.txt"),
        "by hand, by kind": edited("quality_hostile_kinds.txt"),
        "by hand, of all kinds, third": edited("quality_hostile_blind_third.txt"),
        "by hand, of all kinds, fourth": edited("quality_hostile_blind_fourth.txt"),
        "by hand, of all kinds, fifth": edited("quality_hostile_blind_fifth.txt"),
        "by hand, of all kinds, sixth": edited("quality_hostile_blind_sixth.txt"),
        "by hand, of all kinds, seventh": edited("quality_hostile_blind_seventh.txt"),
        "by hand, of all kinds, eighth": edited("quality_hostile_blind_eighth.txt"),
        "by hand, of all kinds, ninth": edited("quality_hostile_blind_ninth.txt"),
        "by hand, of all kinds, tenth": edited("quality_hostile_blind_tenth.txt"),
    }
    right = {name: measured(rows, change) for name, change in RIGHT_CHANGES.items()}
    spoilt = {f"{kind or 'right'}": each for kind, each in translated().items()}
    return "\n".join(
        (
            _table(results),
            OTHERS,
            _table(others),
            HOSTILE,
            _table(hostile),
            RIGHT,
            _table(right),
            TRANSLATIONS,
            _table(spoilt),
            judged_section(),
        )
    )


def _table(results: dict[str, Held]) -> str:
    lines = [
        "| change | held | of | share | CPU a row | found as |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, each in results.items():
        codes = ", ".join(f"`{code}`" for code, _ in each.codes.most_common(2))
        cpu = 1000 * each.seconds / max(each.of, 1)
        share = f"{100 * each.share:.1f} %"
        lines.append(f"| {name} | {each.held} | {each.of} | {share} | {cpu:.2f} ms | {codes} |")
    return "\n".join(lines)


OTHERS = """
Further changes, of kinds that the gates were tried with after they were made; what had been found
of them at first stands in the text below.
"""
HOSTILE = """
Small changes by hand that turn what is said, a word or two of a sentence: invented facts, dropped
conditions, fees, bonded pairs, ages, weights, places, hedges, tenses and so on. A word that is only
left out is left to the gates for warnings, negations and lengths.
"""
RIGHT = """
Changes by rule that an editor may make, put in as answers: these should pass.
"""
TRANSLATIONS = """
Translations of six listings of our own into nine languages
(`benchmarks/quality_translations.txt`), right ones, and with one thing wrong:
"""
HEADER = """# Quality: what the gates find

Written by `make quality`. Shipped listings with a full text, each changed in one way and put in
as its own answer to the description cleaning; the last lines of the first table are edits by hand
(`benchmarks/quality_edits*.txt`) that should pass. CPU is that of all gates together, of unchanged
answers the best of nine rounds.

## What to expect of texts that nobody has tried
Each set was written before anybody looked at what the gates do with it, tried once, and then used
to mend them. So only these first figures say what to expect; the tables below say what is mended.
In brackets the exact 95 % interval.

| written blind | of | right ones held (wanted: 2 %) | hostile ones found |
| --- | ---: | --- | --- |
| shipped sentences, written again | 60, 60 | 14 (23.3 %; 13.4 to 36.0 %) | 58 (96.7 %; 88.5 to 99.6 %) |
| corrections in the narrow sense | 40, 30 | 2 (5.0 %; 0.6 to 16.9 %) | 29 (96.7 %; 82.8 to 99.9 %) |
| narrow edits of 26 kinds | 150 | 22 (14.7 %; 9.4 to 21.4 %) | |
| the same kinds, after mending | 60, 60 | 7 (11.7 %; 4.8 to 22.6 %) | 56 (93.3 %; 83.8 to 98.2 %) |
| the same kinds, after mending again | 60 | 9 (15.0 %; 7.1 to 26.6 %) | |
| freer edits, by who mends the gates | 91 | 25 (27.5 %; 18.6 to 37.8 %) | |
| the same, while any new word was held | 71, 36 | 17 (23.9 %; 14.6 to 35.5 %) | 34 (94.4 %; 81.3 to 99.3 %) |
| the same, when only exchanged words were | 71, 36 | 12 (16.9 %; 9.0 to 27.7 %) | 31 (86.1 %; 70.5 to 95.3 %) |
| a third part, while any new word was held | 65 | 11 (16.9 %; 8.8 to 28.3 %) | |
| the same, by the first four rules below | 65 | 5 (7.7 %; 2.5 to 17.0 %) | |
| a fourth part, while any new word was held | 48, 30 | 5 (10.4 %; 3.5 to 22.7 %) | 26 (86.7 %; 69.3 to 96.2 %) |
| the same, by the first four rules below | 48, 30 | 2 (4.2 %; 0.5 to 14.3 %) | 24 (80.0 %; 61.4 to 92.3 %) |
| all kinds, by another, while any new word was held | 120, 60 | 14 (11.7 %; 6.5 to 18.8 %) | 53 (88.3 %; 77.4 to 95.2 %) |
| the same, by the first four rules below | 120, 60 | 9 (7.5 %; 3.5 to 13.8 %) | 47 (78.3 %; 65.8 to 87.9 %) |
| all kinds, by a third, while any new word was held | 120, 60 | 13 (10.8 %; 5.9 to 17.8 %) | 53 (88.3 %; 77.4 to 95.2 %) |
| the same, by the first four rules below | 120, 60 | 10 (8.3 %; 4.1 to 14.8 %) | 49 (81.7 %; 69.6 to 90.5 %) |
| the same, by the first five rules below | 120, 60 | 6 (5.0 %; 1.9 to 10.6 %) | 51 (85.0 %; 73.4 to 92.9 %) |
| all kinds, by a fourth, by the first five rules below | 119, 80 | 5 (4.2 %; 1.4 to 9.5 %) | 71 (88.8 %; 79.7 to 94.7 %) |
| the same, by all the rules below | 119, 80 | 5 (4.2 %; 1.4 to 9.5 %) | 75 (93.8 %; 86.0 to 97.9 %) |
| all kinds, by a fifth, by the first five rules below | 120, 80 | 7 (5.8 %; 2.4 to 11.6 %) | 67 (83.8 %; 73.8 to 91.1 %) |
| the same, by all the rules below | 120, 80 | 6 (5.0 %; 1.9 to 10.6 %) | 72 (90.0 %; 81.2 to 95.6 %) |
| all kinds, by a sixth, by all the rules of 29 November | 120, 60 | 4 (3.3 %; 0.9 to 8.3 %) | 47 (78.3 %; 65.8 to 87.9 %) |
| all kinds, by a seventh, by the same | 120, 60 | 4 (3.3 %; 0.9 to 8.3 %) | 51 (85.0 %; 73.4 to 92.9 %) |
| all kinds, by an eighth, by the same | 120, 60 | 0 (0.0 %; 0.0 to 3.0 %) | 56 (93.3 %; 83.8 to 98.2 %) |
| the same, by all the rules of 30 November | 120, 60 | 1 (0.8 %; 0.0 to 4.6 %) | 57 (95.0 %; 86.1 to 99.0 %) |
| all kinds, by a ninth, by all the rules of 29 November | 120, 60 | 4 (3.3 %; 0.9 to 8.3 %) | 52 (86.7 %; 75.4 to 94.1 %) |
| the same, by all the rules of 30 November | 120, 60 | 4 (3.3 %; 0.9 to 8.3 %) | 55 (91.7 %; 81.6 to 97.2 %) |
| by an eighth and a ninth together, by all the rules of 30 November | 240, 120 | 5 (2.1 %; 0.7 to 4.8 %) | 112 (93.3 %; 87.3 to 97.1 %) |
| all kinds, by a tenth, by all the rules of 29 November | 120, 60 | 1 (0.8 %; 0.0 to 4.6 %) | 44 (73.3 %; 60.3 to 83.9 %) |
| the same, by all the rules of 30 November and what the eighth and ninth showed | 120, 60 | 1 (0.8 %; 0.0 to 4.6 %) | 49 (81.7 %; 69.6 to 90.5 %) |
| all kinds, by an eleventh, by all the rules of 29 November | 120, 60 | 2 (1.7 %; 0.2 to 5.9 %) | 53 (88.3 %; 77.4 to 95.2 %) |
| the same, by all the rules of 30 November and what the eighth and ninth showed | 120, 60 | 2 (1.7 %; 0.2 to 5.9 %) | 55 (91.7 %; 81.6 to 97.2 %) |
| **by a tenth and an eleventh together, by all the rules of today** | 240, 120 | 3 (1.2 %; 0.3 to 3.6 %) | 104 (86.7 %; 79.3 to 92.2 %) |
| freer edits, by who mends the gates, then | 158, 191 | 27 (17.1 %; 11.6 to 23.9 %) | 124 (64.9 %; 57.7 to 71.7 %) |
| more of them, when the last rule knew no bounds | 86, 66 | 15 (17.4 %; 10.1 to 27.1 %) | 52 (78.8 %; 67.0 to 87.9 %) |

Narrow edits are of numbers, dates, ages, prices, weights, times and telephones, short forms of
breeds and places, spelling, doubled words, capitals, marks, lists made sentences, active and
passive, agreement, articles, word order, synonyms, and translations without spaces. **Today's gates
held 3 (1.2 %; 0.3 to 3.6 %) of 240 right edits that had mended nothing, so the aim of 2 % is met, and
found 104 (86.7 %; 79.3 to 92.2 %) of 120 hostile ones**; those of 29 November, over the six last sets of
six authors who knew nothing of the gates, 15 (2.1 %; 1.2 to 3.4 %) of 720 and
303 (84.2 %; 80.0 to 87.8 %) of 360. (One right edit in seven waited before the rule for words was turned
round, and of freely rewritten sentences one in five.) Each set was tried once before it mended
anything: the sixth and seventh made the rules of 30 November, which the eighth and ninth mended; the
tenth and eleventh were tried last. The pairs of lines before are one set each; the third and fourth
parts were written when the rule was turned, the fifth rule below was made of what the fifth set
showed, the last one of the sixth and of the freer edits. The freer edits
look for the gates' limits: each is of another kind, which nobody had thought of.

- A word that limits or turns what is said (`lexicon.editing`: WEIGHTY, TURNS, denials, numbers) is
  held wherever it comes or goes.
- Any other word is held only where it stands in the place of one that the answer has in no form: in
  a right edit words come, or go, but seldom one for another. Of 955 right edits of the sets below
  (before the last 71) that held 31 where holding every new word had held 46, and found 373 of 408
  hostile ones in place of 396; judging no such word at all held 25 and found 260.
- Two words that changed places are held only if both are beings, names, or turn what is said.
- A denial may reach further or less far if as many words deny, each one of the same words as before.
- Exchanged for another of its kind, a month, weekday, state, size, degree, age, being or modal verb is
  held wherever it stands; so is a being, illness or place that a list no longer has, a fee, “mild” or
  “due” that is no longer said, and “some dogs” or “calm dogs” that became all.
- What limits beings (“low-key dog”, “dogs he knows”), an item of any list, a word of health or
  behaviour, a bound of a number and words such as “refundable” may not go; nor may another one pay,
  what is planned or under way be done, “can be” be “is”, or two places or numbers change places. What
  is denied in other words (“unwilling”, “has yet to”) is brought into one form before it is compared.

A word net's synonyms (WordNet 3.1) freed none of those 31, with its nearest other words 2 at the
price of 5 hostile ones, and after the rules for places and forms none of 23: it isn't used.
A node's calibrated judge can release what is held as `other_words` alone
([a second opinion](enrichments.md#a-second-opinion)); reviewers accept the rest in *Review*.

## What is found of changes by rule
"""  # noqa: E501
FOOTER = """

Changes made by rule say what gates can find, not how often models err: that is the judged part.
At first the gates had found 5 % of pounds that became grams, 71 % of years that became months, 0 of
90 loves that became hates, 2 % of good that became bad, 79 % of dogs that became cats, 80 % of
other announcements and 70 % of cut texts. A place that is no state of the USA and is
exchanged for one that the text names elsewhere is not found. `tests/enrichment/test_quality.py`
holds a small part of it.
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
