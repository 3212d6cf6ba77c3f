"""What a row costs in function calls, which a busy machine doesn't change: a step back shows here.

Seconds tell more and depend on the machine: `make profile`, `make beside`.
"""

import cProfile
import pstats

import pytest

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine.lanes import run_lane
from llmconfig.client.http import background_loop

pytestmark = pytest.mark.django_db(transaction=True)

# Python functions and built-in ones, of the lane's thread and the client's loop, for one row more.
# Lower it after a step forward; a row that needs a tenth more has to say what for.
CALLS_PER_ROW = 1_200
FEW, MANY = 100, 400
TEXT = (
    "Bella is a friendly dog who was found near the old mill in spring! She weighs 42 lbs and is"
    " about 3 years old. She loves long walks, but she is not good with cats. She needs a fenced"
    " yard and an adopter with experience. The adoption fee is $250 and includes her vaccinations."
)


def test_a_row_costs_no_more_function_calls_than_it_did(
    provider, simulator, make_animals, settings
):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_BATCH_CONCURRENT": 50}
    simulator.control(left_out=0, marked=False)
    make_animals(MANY, description=TEXT)
    calls_of_a_batch(MANY)  # what is done once in a process, or until nothing is found 200 times
    few, many = calls_of_a_batch(FEW), calls_of_a_batch(MANY)
    per_row = (many - few) / (MANY - FEW)
    assert per_row <= CALLS_PER_ROW * 1.1, f"{per_row:.0f} calls a row"
    assert per_row >= CALLS_PER_ROW * 0.75, f"only {per_row:.0f} calls a row: lower the bound"


def calls_of_a_batch(rows: int) -> int:
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
    assert (at.done, at.failed) == (rows, 0)
    return sum(pstats.Stats(each).total_calls for each in (lane, loop))  # type: ignore[attr-defined]
