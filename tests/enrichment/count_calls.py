"""`python -m tests.enrichment.count_calls FEW MANY`: what one row more costs.

Prints its function calls, and the objects that it leaves to the garbage collector.

Run by test_calls_per_row.py in a process of its own, where no other test has left anything.
"""

import cProfile
import gc
import os
import pstats
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()

from enrichment.batches import creation  # noqa: E402 - models need Django set up
from enrichment.batches.creation import Selection  # noqa: E402
from enrichment.batches.progress import progress_of  # noqa: E402
from enrichment.engine.lanes import run_lane  # noqa: E402
from llmconfig.client.http import background_loop  # noqa: E402


def main(few: int, many: int) -> None:
    """Run batches of so many rows, once to warm up, and print the difference a row."""
    counted(many)  # what is done once in a process, or until nothing is found 200 times
    # The least of two: where others keep the machine busy, a batch writes in smaller portions.
    (fewer, more), again = (counted(few), counted(many)), (counted(few), counted(many))
    fewer, more = map(min, zip((fewer, more), again, strict=True))
    each = [(of_more - of_few) / (many - few) for of_few, of_more in zip(fewer, more, strict=True)]
    sys.stdout.write(" ".join(f"{value:.0f}" for value in each))


def counted(rows: int) -> tuple[int, int]:
    """The calls of Python and built-in functions, in the lane's thread and the client's loop.

    And the objects that only the collector can free.
    """
    batch = creation.create("description_cleaning", Selection(limit=rows, force=True))
    lane, loop = cProfile.Profile(), cProfile.Profile()

    async def switch(*, on: bool) -> None:
        (loop.enable if on else loop.disable)()

    gc.collect()
    gc.disable()
    background_loop.run(switch(on=True))
    lane.enable()
    run_lane(batch.pk)
    lane.disable()
    background_loop.run(switch(on=False))
    at = progress_of(batch.pk)
    if (at.done, at.failed) != (rows, 0):
        raise SystemExit(f"{at.done} of {rows} rows are done, {at.failed} failed: {at.reason}")
    left = gc.collect()
    gc.enable()
    return sum(pstats.Stats(each).total_calls for each in (lane, loop)), left  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
