"""What a row costs in function calls, which a busy machine doesn't change: a step back shows here.

Seconds tell more and depend on the machine: `make profile`, `make beside`.
"""

import os
import subprocess
import sys

import pytest

from tests.database import database_url
from tests.enrichment.test_killed_workers import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

# Python functions and built-in ones, of the lane's thread and the client's loop, for one row more.
# Lower it after a step forward; a row that needs a tenth more has to say what for.
CALLS_PER_ROW = 620
FEW, MANY = 100, 400
TEXT = (
    "Bella is a friendly dog who was found near the old mill in spring! She weighs 42 lbs and is"
    " about 3 years old. She loves long walks, but she is not good with cats. She needs a fenced"
    " yard and an adopter with experience. The adoption fee is $250 and includes her vaccinations."
)


def test_a_row_costs_no_more_function_calls_than_it_did(provider, simulator, make_animals):
    simulator.control(left_out=0, marked=False)
    make_animals(MANY, description=TEXT)
    ran = subprocess.run(
        [sys.executable, "-m", "tests.enrichment.count_calls", str(FEW), str(MANY)],
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "LLM_BATCH_CONCURRENT": "50",
            "LLM_EGRESS_ALLOW": "127.0.0.1",
            "LOG_LEVEL": "WARNING",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    per_row, left_to_the_collector = map(int, ran.stdout.split())
    assert per_row <= CALLS_PER_ROW * 1.1
    assert per_row >= CALLS_PER_ROW * 0.75, "lower the bound"
    assert left_to_the_collector == 0, "a circle of objects holds each row's memory"
