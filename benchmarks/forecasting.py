"""`make forecast`: what ten batches of different kinds were forecast to cost, and what they cost.

Each is forecast from the calls of a pilot batch, then run against the simulator. Writes
docs/performance-forecast.md, and ends with exit 1 unless the range from P10 to P90 held the cost of
at least eight.
"""

import argparse
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance-forecast.md"
ENOUGH = 8
NODES = "description_cleaning dog_profiler translation tagging entity_extraction".split()
INTRODUCTION = """# Forecast beside actual

Written by `make forecast`: {rows} rows a batch, forecast from the calls of a pilot batch of {pilot}
other rows of the same kind, then run against the simulator. The cost lay between P10 and P90 in
**{held} of {of}** batches; eight of ten is what these quantiles promise.

Half of the replicates take past answers as they are, half take them as log-normal, whose longest
answers are longer than any that a small sample has seen; 5 % is added for rows that
differ from those before.

| batch | P10 | P50 | P90 | cost | |
| --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A batch: what is done, how long the answers are, and to which rows."""

    label: str
    enrichment: str
    answers: dict[str, float] | None = None  # as long as the text, or as the schema makes them
    variants: tuple[str, ...] = ("",)
    pilot_variants: tuple[str, ...] = ("",)
    pilot: bool = True
    longest: bool = False  # the longest listings, forecast from ordinary ones


def _tail(median: float, sigma: float) -> dict[str, float]:
    return {"median": median, "sigma": sigma}


KINDS = (
    Kind("cleaning, answers as long as the text", "description_cleaning"),
    Kind("cleaning, nothing known yet", "description_cleaning", pilot=False),
    Kind("cleaning, log-normal answers, spread 0.8", "description_cleaning", _tail(120, 0.8)),
    Kind("cleaning, log-normal answers, spread 1.2", "description_cleaning", _tail(120, 1.2)),
    Kind("cleaning, log-normal answers, spread 1.5", "description_cleaning", _tail(200, 1.5)),
    Kind("cleaning, the longest listings", "description_cleaning", longest=True),
    Kind("profiles", "dog_profiler"),
    Kind(
        "translation into two languages, known from a third", "translation",
        variants=("es", "fr"), pilot_variants=("de",),
    ),
    Kind("tags", "tagging"),
    Kind("entities", "entity_extraction"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compared:
    """A forecast in dollars, and what it came to."""

    label: str
    p10: float
    p50: float
    p90: float
    cost: float

    @property
    def held(self) -> bool:
        """Whether the cost lies in the range."""
        return self.p10 <= self.cost <= self.p90


def main() -> None:
    """Run the ten, print, write, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200, help="Of each batch.")
    parser.add_argument("--pilot", type=int, default=100, help="Rows that the forecast knows.")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from benchmarks.database import prepare
    from benchmarks.provider import simulator

    random.seed(1)
    with simulator() as provider:
        prepare(provider.url)
        _configure()
        compared = []
        for place, kind in enumerate(KINDS):
            provider.control(latency_ms=2, output_tokens=kind.answers)
            compared.append(_compare(kind, place, options.rows, options.pilot))
            print(_line(compared[-1]), flush=True)
    held = sum(each.held for each in compared)
    _write(compared, held, options)
    print(f"{held} of {len(compared)} held; see {DOCUMENT}.")
    if held < ENOUGH:
        sys.exit(1)


def _configure() -> None:
    from benchmarks.database import ENRICHMENT
    from benchmarks.provider import MODEL
    from llmconfig.configuration.revisions import change
    from llmconfig.models import NodeConfiguration

    with change(source="shell", message="Benchmark"):
        for name in NODES:
            if name != ENRICHMENT:
                NodeConfiguration.objects.create(
                    node_name=name,
                    interaction_type="enricher",
                    default_model=f"simulated/{MODEL}",
                    default_max_tokens=None,
                )


def _compare(kind: Kind, place: int, rows: int, pilot: int) -> Compared:
    """Forget what other batches taught, run the pilot, forecast, run."""
    from enrichment.batches.creation import Selection
    from enrichment.forecast import forecast
    from metrics.models import GenerationMetric

    GenerationMetric.objects.all().delete()
    keys = _keys(kind, place, rows + pilot)
    if kind.pilot:
        _run(kind, Selection(ids=keys[:pilot], force=True, variants=kind.pilot_variants))
    asked = Selection(ids=keys[pilot:], force=True, variants=kind.variants)
    told = forecast(kind.enrichment, asked).cost_usd
    if told is None:
        sys.exit("The simulated model has lost its price.")
    return Compared(kind.label, told.p10, told.p50, told.p90, _run(kind, asked))


def _keys(kind: Kind, place: int, count: int) -> list[int]:
    """Other rows for each batch, drawn from all listings."""
    from django.db.models.functions import Length

    from enrichment.listings.models import Animal

    found = list(Animal.objects.exclude(description="").order_by("pk").values_list("pk", flat=True))
    drawn = random.Random(place).sample(found, count)
    if kind.longest:
        longest = Animal.objects.order_by(Length("description").desc(), "pk")
        drawn = drawn[: count // 3] + list(longest.values_list("pk", flat=True)[: count // 3 * 2])
    return drawn


def _run(kind: Kind, selection: Any) -> float:
    """What a batch over these rows costs."""
    from enrichment.batches import creation
    from enrichment.batches.progress import progress_of
    from enrichment.engine.inline import run_inline

    batch = creation.create(kind.enrichment, selection)
    run_inline(batch.pk, may_go_on=lambda: True)
    return float(progress_of(batch.pk).cost_usd or 0)


def _line(each: Compared) -> str:
    figures = " | ".join(f"${value:.5f}" for value in (each.p10, each.p50, each.p90, each.cost))
    return f"| {each.label} | {figures} | {'held' if each.held else 'missed'} |"


def _write(compared: list[Compared], held: int, options: argparse.Namespace) -> None:
    DOCUMENT.write_text(
        INTRODUCTION.format(rows=options.rows, pilot=options.pilot, held=held, of=len(compared))
        + "".join(f"{_line(each)}\n" for each in compared)
    )


if __name__ == "__main__":
    main()
