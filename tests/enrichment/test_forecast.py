"""What a batch was forecast to cost, beside what it cost."""

import pytest

from enrichment import batches
from enrichment.batches import Selection
from enrichment.engine.lanes import run_lane
from enrichment.forecast import forecast
from llmconfig import snapshot
from llmconfig.models import ModelPrice
from metrics.models import GenerationMetric

pytestmark = pytest.mark.django_db(transaction=True)


def _run(name, selection):
    batch = batches.create(name, selection)
    while run_lane(batch.pk) != "finished":
        pass
    return batches.progress(batch.pk)


@pytest.mark.parametrize("name", ["description_cleaning", "dog_profiler"])
def test_a_forecast_from_past_calls_holds_the_actual_cost(provider, simulator, make_animals, name):
    simulator.control(output_tokens={"median": 120, "sigma": 0.8})
    make_animals(150, description="She runs. " * 20)
    make_animals(150, description="He sleeps on the sofa. " * 40)
    _run(name, Selection(limit=200))
    foreseen = forecast(name, Selection())
    actual = float(_run(name, Selection()).cost_usd)
    spread = foreseen.cost_usd.p90 - foreseen.cost_usd.p10
    assert foreseen.calls == 100
    assert foreseen.cost_usd.p10 - spread < actual < foreseen.cost_usd.p90 + spread
    assert spread < actual  # a range that says something


def test_a_forecast_calls_nobody_and_leaves_out_what_needs_no_call(
    provider, simulator, make_animals
):
    make_animals(30)
    make_animals(10, description="")
    foreseen = forecast("description_cleaning", Selection())
    assert (foreseen.rows, foreseen.calls, foreseen.past_calls) == (40, 30, 0)
    assert simulator.requests == 0
    assert GenerationMetric.objects.count() == 0


def test_an_unknown_price_is_no_cost_of_zero(make_provider, simulator, make_animals, provider):
    make_animals(5)
    ModelPrice.objects.all().delete()
    snapshot.expire()
    assert forecast("description_cleaning", Selection()).cost_usd is None
