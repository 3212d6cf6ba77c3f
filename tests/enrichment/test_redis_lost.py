"""Redis away while a provider has limits: the batch goes on by itself when it is back."""

import threading
import time

import pytest
from django.db import connection

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine.lanes import run_lane
from llmconfig.configuration import snapshot
from llmconfig.models import Provider
from tests.llmconfig.test_redis_lost import valkey  # noqa: F401 - a fixture
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 300


def test_a_batch_under_limits_goes_on_by_itself(
    provider,
    simulator,
    make_animals,
    valkey,  # noqa: F811 - a fixture
):
    Provider.objects.filter(pk=provider.pk).update(max_concurrency=5)
    snapshot.expire()
    make_animals(ROWS)
    simulator.control(latency_ms=250)
    batch = creation.create("description_cleaning", Selection())

    def work():
        run_lane(batch.pk)
        connection.close()

    lane = threading.Thread(target=work)
    lane.start()
    until(lambda: progress_of(batch.pk).done >= 10)
    valkey.kill()
    until(lambda: progress_of(batch.pk).waits_for)
    held = progress_of(batch.pk).done
    time.sleep(2)  # waiting is no failure
    at = progress_of(batch.pk)
    assert (at.status, at.failed) == ("running", 0)
    assert at.waits_for
    assert held <= at.done < ROWS
    simulator.control(latency_ms=0)
    valkey.start()
    lane.join()
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.failed) == ("completed", ROWS, 0)
    assert simulator.stats()["paid"] == ROWS
