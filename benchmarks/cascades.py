"""`make cascades`: whether cascades keep their promise over simulated tables; writes its document.

Needs no database and no model. Ends with exit 1 when the promise was broken too often.
"""

import argparse
import math
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.peers import ROOT
from enrichment.cascades.promise import FAILURE, errors_borne, proportion_interval
from enrichment.cascades.steering import (
    BLOCK,
    CascadeState,
    CascadeTerms,
    Decided,
    Phase,
    Way,
    settle,
)

DOCUMENT = ROOT / "docs" / "performance-cascade.md"
ROWS, LANES = 2_000, 4
TERMS = CascadeTerms(target=0.95)
# Between them stands what `make cascade-real` wrote.
MODELS_START = "<!-- two real models: written by `make cascade-real` -->"
MODELS_END = "<!-- end of the real models -->"
TYPED = 0.8
LABELS = 100
USELESS, TELLING = 0.6, 0.7  # areas under the curve: below, and from there on
INTRODUCTION = """\
Written by `make cascades`. It simulates {tables} tables of {rows:,} rows, {lanes} lanes each
({seconds:.0f} s of computing). The cheap model is right on 60 to 95 % of the rows, its scores are
anything from sharp to useless, and in some tables it gets worse, or its scores blind, in the
middle. Target: {target:.0%} of the rows agree with the dear model, broken with a probability of
{failure:.0%} at most. This is the arithmetic of `enrichment/cascades/` alone, by which batches
steer (docs/enrichments.md, "A cheaper model first")."""
END = """\
The bound that is shown for the rows that differ was too low in {uncovered} of {tables} tables. At
their end, {keeping} cascades still kept cheap answers, {stopped} had caught too many errors and
{not_worth} had found that they weren't worth it (a cheap call is taken to cost {price:.0%} of a
dear one)."""
Rows = list[tuple[float, bool]]  # score of the cheap model, and whether it is right


@dataclass(frozen=True, slots=True)
class Table:
    """A simulated table; `change` says what happens in its middle."""

    rows: Rows
    change: str
    area: float


@dataclass(frozen=True, slots=True)
class Carried:
    """What a way came to: dear calls saved, and rows that differ from the dear model."""

    saved: int
    wrong: int
    cheap: int = ROWS
    at_most: int = 0
    end: str = ""

    @property
    def missed(self) -> bool:
        """Whether fewer rows agree than the target says."""
        return self.wrong > errors_borne(ROWS, TERMS.target)

    @property
    def cost(self) -> float:
        """In dear calls a row."""
        return (ROWS - self.saved + TERMS.price * self.cheap) / ROWS


def simulated(seed: int) -> Table:
    """A table: cheap answers right on 60 to 95 %, scores sharp to useless, in some a change."""
    rng = random.Random(seed)
    right, sharpness = rng.uniform(0.6, 0.95), rng.uniform(0, 3) if rng.random() > 0.15 else 0.0
    change = rng.choice(("worse", "blind")) if rng.random() < 0.3 else ""
    later_right = right - rng.uniform(0.1, 0.3) if change == "worse" else right
    later_sharpness = 0.0 if change == "blind" else sharpness
    rows = []
    for place in range(ROWS):
        late = place >= ROWS // 2
        good = rng.random() < (later_right if late else right)
        shift = later_sharpness if late else sharpness
        rows.append((_logistic(2 + (shift if good else -shift) + rng.gauss(0, 1)), good))
    return Table(rows, change, _area(rows))


def _logistic(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _area(rows: Rows) -> float:
    """How often a right answer scores above a wrong one (area under the ROC curve)."""
    ranks = above = 0
    for rank, (_, good) in enumerate(sorted(rows)):
        if good:
            above, ranks = above + 1, ranks + rank
    wrong = len(rows) - above
    return (ranks - above * (above - 1) / 2) / (above * wrong)


def hindsight(rows: Rows) -> int:
    """Dear calls that the best single threshold saves, by one who knows every answer."""
    best = wrong = 0
    ordered = sorted(rows, reverse=True)
    for place, (_, good) in enumerate(ordered, 1):
        wrong += not good
        if wrong > errors_borne(ROWS, TERMS.target):
            break
        best = place
    return best


def cascade(rows: Rows, seed: int) -> Carried:
    """The cascade, in lanes that read the state only when they settle a block."""
    coin, state = random.Random(-seed), CascadeState.begin(len(rows))
    read = [state] * LANES
    wrong = cheap = 0
    for turn, start in enumerate(range(0, len(rows), BLOCK)):
        lane, block = turn % LANES, rows[start : start + BLOCK]
        if not read[lane].asks_cheap:
            continue
        cheap += len(block)
        ways = [read[lane].way(score, coin) for score, _ in block]
        decided = [
            Decided(score, way, None if way is Way.CHEAP else good)
            for (score, good), way in zip(block, ways, strict=True)
        ]
        state, keeps = settle(state, decided, TERMS)
        read[lane] = state
        if keeps:
            wrong += sum(
                way is Way.CHEAP and not good for (_, good), way in zip(block, ways, strict=True)
            )
    return Carried(state.kept, wrong, cheap, state.errors_at_most(), state.phase.value)


def above(rows: Rows, threshold: float) -> Carried:
    """What a fixed threshold comes to."""
    kept = [good for score, good in rows if score >= threshold]
    return Carried(len(kept), kept.count(False))


def labelled(rows: Rows, seed: int) -> Carried:
    """The lowest threshold that holds the target among 100 random labels, without correction."""
    sample = sorted(random.Random(seed).sample(rows, LABELS), reverse=True)
    threshold, wrong = 1.0, 0
    for score, good in sample:
        wrong += not good
        if wrong > LABELS * (1 - TERMS.target) + 1e-9:
            break
        threshold = score
    return above(rows, threshold)


def _missed(runs: Sequence[Carried]) -> str:
    misses = sum(each.missed for each in runs)
    low, high = proportion_interval(misses, len(runs))
    return f"{misses} of {len(runs)} | {misses / len(runs):.1%} | {low:.1%} to {high:.1%}"


def _median(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.0%}" if values else "-"


def document(tables: Sequence[Table]) -> tuple[str, bool]:
    """The document, and whether the promise was kept."""
    runs = [cascade(table.rows, seed) for seed, table in enumerate(tables)]
    best = [hindsight(table.rows) for table in tables]
    share = [run.saved / most for run, most in zip(runs, best, strict=True)]
    telling = [n for n, table in enumerate(tables) if table.area >= TELLING]
    ways = {
        "cascade": runs,
        f"typed threshold {TYPED}": [above(table.rows, TYPED) for table in tables],
        f"threshold from {LABELS} random labels": [
            labelled(table.rows, seed) for seed, table in enumerate(tables)
        ],
    }
    lines = [
        "# Cascades: the promise, measured",
        "",
        INTRODUCTION.format(
            tables=len(tables),
            rows=ROWS,
            lanes=LANES,
            seconds=time.process_time(),
            target=TERMS.target,
            failure=FAILURE,
        ),
        "",
        "| way | target missed | share | interval (95 %) | dear calls saved, median |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {_missed(found)} | {_median([each.saved / ROWS for each in found])} |"
            for name, found in ways.items()
        ),
        "",
        "## Saved, beside the best threshold in hindsight",
        "The best threshold knows every answer and audits nothing.",
        "",
        "| tables | number | of the best, median | cost in dear calls a row, median |",
        "| --- | --- | --- | --- |",
    ]
    groups = {
        f"all whose scores say something (area under the curve from {TELLING})": telling,
        "of these, without a change": [n for n in telling if not tables[n].change],
        "of these, worse from the middle on": [n for n in telling if tables[n].change == "worse"],
        "of these, blind from the middle on": [n for n in telling if tables[n].change == "blind"],
        "area 0.95 and more, no change": [
            n for n in telling if tables[n].area >= 0.95 and not tables[n].change
        ],
        f"useless scores (below {USELESS})": [
            n for n, table in enumerate(tables) if table.area < USELESS
        ],
    }
    for name, members in groups.items():
        costs = _cost([runs[n].cost for n in members])
        lines.append(
            f"| {name} | {len(members)} | {_median([share[n] for n in members])} | {costs} |"
        )
    ends = {phase: sum(run.end == phase.value for run in runs) for phase in Phase}
    uncovered = sum(run.wrong > run.at_most for run in runs)
    lines += [
        "",
        END.format(
            uncovered=uncovered,
            tables=len(tables),
            keeping=ends[Phase.KEEPING],
            stopped=ends[Phase.STOPPED],
            not_worth=ends[Phase.NOT_WORTH_IT],
            price=TERMS.price,
        ),
        "",
    ]
    misses = sum(each.missed for each in runs)
    return "\n".join(lines), proportion_interval(misses, len(runs))[1] <= FAILURE


def _cost(costs: Sequence[float]) -> str:
    return f"{statistics.median(costs):.2f}" if costs else "-"


def main() -> None:
    """Simulate, print and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=400)
    tables = parser.parse_args().tables
    text, kept = document([simulated(seed) for seed in range(tables)])
    print(text)
    before = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
    _, mark, models = before.partition(MODELS_START)
    DOCUMENT.write_text(f"{text}\n{mark}{models}" if mark else text, encoding="utf-8")
    if not kept:
        raise SystemExit("The promise was broken too often.")


if __name__ == "__main__":
    main()
