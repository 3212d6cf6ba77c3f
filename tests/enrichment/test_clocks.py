"""A worker whose clock stands at 1970 or 2042 works: the database's clock dates what is stored."""

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine.lanes import run_lane
from metrics.models import GenerationHistory, GenerationMetric

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("wrong", ["1970-01-02T00:00Z", "2042-01-01T00:00Z"])
def test_a_batch_by_a_wrong_clock_is_recorded_by_the_databases(
    provider, simulator, make_animals, wrong, caplog
):
    make_animals(12)
    with time_machine.travel(wrong, tick=True):
        batch = creation.create("description_cleaning", Selection())
        run_lane(batch.pk)
        at = progress_of(batch.pk)
        ready = Client().get("/readyz").json()
    assert (at.status, at.done, at.failed) == ("completed", 12, 0)
    assert 0 <= at.seconds < 60
    assert simulator.stats()["paid"] == GenerationMetric.objects.count() == 12
    long_ago = timezone.now() - dt.timedelta(minutes=2)
    for model in (GenerationMetric, GenerationHistory):
        assert model.objects.filter(created_at__gt=long_ago).count() == 12
    batch.refresh_from_db()
    assert batch.created_at > long_ago
    assert ready["warnings"] == ["clock_differs"]
    assert "clock is" in caplog.text


@pytest.fixture(autouse=True)
def right_clock_again():
    yield
    connection.close()
