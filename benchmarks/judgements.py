"""Answers of a real model that were judged by hand, and what the gates do with them.

`fixtures/quality/answers.jsonl` holds the answers as `make answers` kept them, `judgements.tsv` one
line for each that was judged: listing, enrichment, language, part, judgement, reason. A part is a
tag, an entity's text, a profile's field, or blank for the whole answer. The gates are asked anew
each time.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.model_answers import as_generation, shipped_rows
from benchmarks.peers import ROOT

if TYPE_CHECKING:
    from enrichment.enrichments.contract import Judgement

FOLDER = ROOT / "fixtures" / "quality"
RIGHT, HARMLESS, DANGEROUS = "right", "harmless", "dangerous"
JUDGEMENTS = (RIGHT, HARMLESS, DANGEROUS)
FLOORS = {"tagging": 0.7, "entity_extraction": 0.7}  # as a new installation has them
WHOLE = ("description_cleaning", "translation")
PART_NAMES = {"tagging": "tag", "entity_extraction": "text"}


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer or part with a person's judgement, and what became of it."""

    enrichment: str
    judgement: str
    applied: bool
    codes: tuple[str, ...]


@dataclass(slots=True)
class GateTally:
    """How many of each judgement were applied and held."""

    applied: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)

    def of(self, judgement: str) -> int:
        """How many were judged so."""
        return self.applied[judgement] + self.held[judgement]


def answers() -> dict[tuple[str, str, str], dict[str, Any]]:
    """The kept answers by listing, enrichment and language."""
    text = (FOLDER / "answers.jsonl").read_text(encoding="utf-8")
    kept = map(json.loads, text.splitlines())
    return {(each["id"], each["enrichment"], each["variant"]): each for each in kept}


def judged(every: int = 1) -> Iterator[Judged]:
    """Each judgement with what the gates of today do; `every` so many-th answer."""
    rows, kept = shipped_rows(), answers()
    with (FOLDER / "judgements.tsv").open(encoding="utf-8", newline="") as lines:
        found = list(csv.DictReader(lines, delimiter="\t"))
    keys = dict.fromkeys((each["id"], each["enrichment"], each["language"]) for each in found)
    for key in list(keys)[::every]:
        outcome = _outcome(kept[key], rows[key[0]])
        for each in found:
            if (each["id"], each["enrichment"], each["language"]) == key:
                applied, codes = outcome(each["part"])
                yield Judged(key[1], each["judgement"], applied, codes)


def _outcome(kept: Mapping[str, Any], row: Mapping[str, Any]) -> Any:
    """A function from a part to whether it is applied, and the codes of what holds it."""
    from enrichment.engine.applying import NOT_JUDGED_YET
    from enrichment.enrichments import get
    from enrichment.enrichments.field_by_field import FieldByField
    from llmconfig.models import ApplyAfter

    enrichment = get(kept["enrichment"])
    variant = kept["variant"]
    found = enrichment.judge(
        as_generation(kept),
        enrichment.values(row, variant=variant),
        variant=variant,
        floor=FLOORS.get(enrichment.name, 0.0),
        columns={name: row[name] for name in enrichment.binding_columns},
    )
    codes = tuple(each.code for each in found.findings or found.doubts)
    if enrichment.name in WHOLE:
        waits = () if enrichment.apply_after == ApplyAfter.GATES else (NOT_JUDGED_YET,)
        return lambda _: (not found.findings and not waits, codes or waits)
    if isinstance(enrichment, FieldByField):
        applied = set() if found.findings else set(_fields(found.value))
        return lambda part: (part in applied, () if part in applied else _codes_of(part, found))
    name = PART_NAMES[enrichment.name]
    sure = () if found.findings else {each[name].casefold() for each in found.value}
    return lambda part: (part.casefold() in sure, () if part.casefold() in sure else codes)


def _codes_of(part: str, found: "Judgement") -> tuple[str, ...]:
    """What holds a part: what is found in its field, or in the answer where all of it is held."""
    field = part.partition(":")[0]
    its = [each for each in found.doubts if each.data.get("field") == field]
    return tuple(each.code for each in found.findings or its)


def _fields(profile: Mapping[str, Any]) -> Iterator[str]:
    """A profile's fields; each member of a list alone, as `interests: swimming`."""
    for name, value in profile.items():
        yield from (f"{name}: {each}" for each in value) if isinstance(value, list) else (name,)


def tallies(found: list[Judged]) -> dict[str, GateTally]:
    """By enrichment, and of all together under “all”."""
    result: dict[str, GateTally] = {}
    for each in found:
        for name in (each.enrichment, "all"):
            tally = result.setdefault(name, GateTally())
            (tally.applied if each.applied else tally.held)[each.judgement] += 1
    return result


def judged_section() -> str:
    """The tables of the document."""
    found = list(judged())
    lines = [
        JUDGED.format(number=len(found)),
        "| enrichment | judged | dangerous, applied | harmless, held | right, held |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, tally in sorted(tallies(found).items(), key=lambda each: each[0] == "all"):
        cells = [
            _share(tally.applied[DANGEROUS], tally.of(DANGEROUS)),
            *(_share(tally.held[each], tally.of(each)) for each in (HARMLESS, RIGHT)),
        ]
        lines.append(f"| {name} | {sum(map(tally.of, JUDGEMENTS))} | {' | '.join(cells)} |")
    applied = tallies(found)["all"].applied
    total = sum(applied.values())
    lines.append(f"\nOf all that was applied, {_share(applied[DANGEROUS], total)} is dangerous.")
    lines += ["", BY_GATE, *_by_gate(found)]
    return "\n".join(lines)


def _by_gate(found: list[Judged]) -> Iterator[str]:
    dangerous = sum(each.judgement == DANGEROUS for each in found)
    yield "| gate | held | of them dangerous (precision) | of the dangerous (recall) |"
    yield "| --- | ---: | ---: | ---: |"
    codes = Counter(code for each in found for code in dict.fromkeys(each.codes))
    for code, held in codes.most_common():
        hits = sum(each.judgement == DANGEROUS and code in each.codes for each in found)
        yield f"| `{code}` | {held} | {_share(hits, held)} | {_share(hits, dangerous)} |"


def _share(hits: int, of: int) -> str:
    """A share with its exact interval (95 %)."""
    from enrichment.cascades.promise import proportion_interval

    if not of:
        return "0 of 0"
    low, high = proportion_interval(hits, of)
    return f"{hits} of {of} ({100 * hits / of:.1f} %; {100 * low:.1f} to {100 * high:.1f} %)"


JUDGED = """
## Answers of a real model, judged by hand
Qwen2.5-Coder 1.5B (Q4_K_M), the model of `make demo`, with the prompts of its nodes, over shipped
listings of 250 to 720 characters; {number} answers and parts of answers, each read beside its
source: right, wrong but harmless, or dangerous (an adopter would be misled about the dog). The
judgements with their reasons are in `fixtures/quality/judgements.tsv`. In brackets the exact 95 %
interval. Of sets that were judged before anybody looked at what the gates did with them, and that
mended the gates afterwards:

| judged blind | applied | of them dangerous (wanted: 1 %) | right ones held |
| --- | ---: | --- | --- |
| 25 answers over 15 listings | 57 | 3 (5.3 %; 1.1 to 14.6 %) | not counted |
| 41 answers over 21 listings, since each claim has to be attested | 73 | 2 (2.7 %; 0.3 to 9.5 %) | 9 of 50 (18.0 %; 8.6 to 31.4 %) |
| 13 answers over 13 listings: profiles | 29 | 2 (6.9 %; 0.8 to 22.8 %) | 5 of 25 (20.0 %; 6.8 to 40.7 %) |
| the same: entities | 40 | 1 (2.5 %; 0.1 to 13.2 %) | 0 of 14 (0.0 %; 0.0 to 23.2 %) |
| tags of 5 listings | 5 | 0 (0.0 %; 0.0 to 52.2 %) | not counted |
| 100 answers over 21 listings, all enrichments, 30 November | 209 | 6 (2.9 %; 1.1 to 6.1 %) | 32 of 151 (21.2 %; 15.0 to 28.6 %) |
| 52 answers over 13 listings, all but translations, by the gates after that | 127 | 3 (2.4 %; 0.5 to 6.7 %) | 29 of 119 (24.4 %; 17.0 to 33.1 %) |
| 76 over 19, when lists and wanted homes were held to more | 177 | 1 (0.6 %; 0.0 to 3.1 %) | 32 of 155 (20.6 %; 14.6 to 27.9 %) |
| 60 over 15 longer ones, of 601 to 720 characters, by the same | 122 | 4 (3.3 %; 0.9 to 8.2 %) | 31 of 102 (30.4 %; 21.7 to 40.3 %) |
| these last 188 answers over 47 listings together | 426 | 8 (1.9 %; 0.8 to 3.7 %) | 92 of 376 (24.5 %; 20.2 to 29.1 %) |
| 68 answers over 17 other listings of 601 to 720 characters, by the gates after that | 170 | 3 (1.8 %; 0.4 to 5.1 %) | 47 of 155 (30.3 %; 23.2 to 38.2 %) |
| 32 over 8, since entities are of the kind that their form tells | 69 | 0 (0.0 %; 0.0 to 5.2 %) | 19 of 69 (27.5 %; 17.5 to 39.6 %) |
| 32 over 8, since a wanted home is plainly what the text says of one | 64 | 2 (3.1 %; 0.4 to 10.8 %) | 15 of 57 (26.3 %; 15.5 to 39.7 %) |
| 36 over 9, since a biography that asks for a home carries its conditions | 96 | 3 (3.1 %; 0.6 to 8.9 %) | 12 of 80 (15.0 %; 8.0 to 24.7 %) |
| 19 over 5, since one that names company does too | 43 | 1 (2.3 %; 0.1 to 12.3 %) | 6 of 40 (15.0 %; 5.7 to 29.8 %) |
| **these last 187 answers over 47 listings together** | 442 | 9 (2.0 %; 0.9 to 3.8 %) | 99 of 401 (24.7 %; 20.5 to 29.2 %) |

The dangerous ones: experienced owners who became experienced dogs in Spanish, the traits “loving”
and “rescue work”, the tag “affectionate” for a “fun loving” boy, heartworms of a dog that tested
negative, “good with children” from a column where the text wants them over 7, a biography in
which these “please call”, and the breed “fox” of a slender one. The six of the last set: two wanted
homes without what the text asks of them (adults only, a single pet, an experienced owner; no cats),
an interest in training of a house-trained dog, the trait “loving” for one that is “loving this
slightly cooler weather”, and the tags “playful” for one that takes cats for toys and “affectionate”
where a loving home is wanted. All are mended: a fact attests only what says all of it and what the
text doesn't limit, a breed needs a word that breeds have, a wanted home carries the text's
conditions, what is said of the home, a kind, another, as a warning or of another time attests
nothing, and lists of traits and interests name only what the dog is said to be or to like. Since a held
field costs only itself, a wanted home is held too where a word of it stands in no sentence about the home: of
the judged ones that holds, alone, 31 of 34 dangerous and none of the 9 right ones that were applied, and 15
of 19 harmless ones, which described the dog (`plainly_wanted`; it was made with them at hand). The
nine of the last sets: an illness that a rescue averted (“euthanized”), the age of her pups, a
rescue's name as a breed, three biographies that leave “no cats” or the like out, two wanted homes
(one without its conditions, “senior dogs”), a liking of puppies where he is “like a puppy”, and
“young” by the column of one whom the text calls a senior, which alone isn't mended. **The aim of 1
in 100 isn't reached**: each new set has had some 2 in 100, of kinds that no set before had. Of 8
Spanish translations the gates alone would have let 4 pass, of which 3 are dangerous: that is why
translations wait for a judge or a reviewer.
The table has all of them, after mending.
"""  # noqa: E501
BY_GATE = (
    "By gate, of all that it held (a part can be held by several, and a profile's field, tags and"
    " entities with others of theirs):\n"
)
