"""`python -m tests.enrichment.count_calls FEW MANY`: function calls that one row more costs.

Run by test_calls_per_row.py in a process of its own, where no other test has left anything.
"""

import cProfile
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
    fewer, more = counted(few), counted(many)
    sys.stdout.write(f"{(more - fewer) / (many - few):.0f}\n")


def counted(rows: int) -> int:
    """The calls of Python and built-in functions, in the lane's thread and the client's loop."""
    batch = creation.create("description_cleaning", Selection(limit=rows, force=True))
    lane, loop = cProfile.Profile(), cProfile.Profile()

    async def switch(*, on: bool) -> None:
        (loop.enable if on else loop.disable)()

    background_loop.run(switch(on=True))
    lane.enable()
    run_lane(batch.pk)
    lane.disable()
    background_loop.run(switch(on=False))
    at = progress_of(batch.pk)
    if (at.done, at.failed) != (rows, 0):
        raise SystemExit(f"{at.done} of {rows} rows are done, {at.failed} failed: {at.reason}")
    return sum(pstats.Stats(each).total_calls for each in (lane, loop))  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
