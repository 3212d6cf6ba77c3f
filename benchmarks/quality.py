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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import django

from benchmarks.judgements import judged_section
from benchmarks.peers import ROOT
from benchmarks.quality_changes import CHANGES, OTHER_CHANGES, RIGHT_CHANGES, Change

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


AROUND = "Thank you for looking at our dogs. {} We check every home before an adoption."


def edits(file: str = "quality_edits.txt") -> list[tuple[str, str, str]]:
    """Kind, source and answer of a file's lines, each in a small text; most have no kind."""
    lines = (Path(__file__).parent / file).read_text(encoding="utf-8").splitlines()
    found = []
    for line in filter(None, lines):
        before, _, after = line.partition(" => ")
        kind, _, source = before.rpartition(" | ")
        found.append((kind, AROUND.format(source.replace("\\n", "\n")), AROUND.format(after)))
    return found


def edited(file: str = "quality_edits.txt", half: int | None = None) -> Held:
    """What the gates hold of a file's edits; `half` 0 or 1: of every other one."""
    pairs = edits(file)[half or 0 :: 1 if half is None else 2]
    answers = iter([after for _, _, after in pairs])
    rows = [("a dog", before) for _, before, _ in pairs]
    return measured(rows, lambda *_: next(answers))


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
    others = {name: measured(rows, change) for name, change in OTHER_CHANGES.items()}
    hostile = {
        "by hand, for mending": edited("quality_hostile.txt", 0),
        "by hand, held out": edited("quality_hostile.txt", 1),
        "by hand, later": edited("quality_hostile_more.txt"),
        "by hand, of rewritten sentences": edited("quality_hostile_rewritten.txt"),
        "by hand, last": edited("quality_hostile_last.txt"),
        "by hand, of corrections": edited("quality_hostile_corrected.txt"),
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
conditions, fees, bonded pairs, ages, weights, places, hedges, tenses and so on. Of the first table
(`benchmarks/quality_hostile.txt`) every other one was held out: nobody looked at what is missed of
those. A later one (`quality_hostile_more.txt`) was written when the gate for wording was there.
Before that gate, 29 %, 33 % and 37 % were found; when it was first tried on the held out and on the
later ones, 93 % (75 of 81; 85 to 97 %) and 92 % (55 of 60; 82 to 97 %). The later ones were then
used to mend it, and so were the right edits: of six sets of 79, 59, 60, 43, 42 and 40 right edits,
held when they were new, were 10, 9, 2, 3, 6 and 4 (the last three are sentences of shipped
listings, written again rather than corrected). Of two further sets of shipped sentences that were
written again more freely (41 and 37), 12 and 11 were held at first, and of 35 hostile changes of
the second 9 passed; from these came the forms and phrases that editors exchange. Then sixty right
and sixty hostile edits of sentences that no set had used were written before anybody looked at what
the gates do with them: of the right ones 14 were held (23.3 %; 13.4 to 36.0 %; wanted 2 %), of the
hostile ones 58 (96.7 %; 88.5 to 99.6 %). After these were used to mend it, 40 corrections in the
narrow sense (spelling, layout, short forms, a word put elsewhere) and 30 hostile changes of other
sentences were tried once: 2 of the right ones were held (5.0 %; 0.6 to 16.9 %) and 29 of the
hostile ones (96.7 %; 82.8 to 99.9 %). All of them have been used since and count as seen in the
tables. So expect one hostile change in thirty to pass in texts that nobody has tried, one
correction in twenty to wait, and of sentences that are written again about one in five: the gates
don't know that other words say the same.
A word that is only left out is left to the gates for warnings, negations and lengths.
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
as its own answer to the description cleaning; the last lines are corrections by hand
(`benchmarks/quality_edits*.txt`) that must pass. CPU is that of all gates together, of unchanged
answers the best of nine rounds.

"""
FOOTER = """

Changes made by rule say what gates can find, not how often models err: that is the judged part.
At first the gates had found 5 % of pounds that became grams, 71 % of years that became months, 0 of
90 loves that became hates, 2 % of good that became bad, 79 % of dogs that became cats, 80 % of
other announcements and 70 % of cut texts. A place that is exchanged for one that the text names
elsewhere is not found. `tests/enrichment/test_quality.py` holds a small part of it.
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
