"""What a batch was forecast to cost, beside what it cost."""

import random

import pytest
from django.core.management import CommandError, call_command

from enrichment.batches import creation
from enrichment.batches.creation import Selection, Terms
from enrichment.batches.progress import progress_of
from enrichment.engine.lanes import run_lane
from enrichment.forecast import drawn_total, forecast
from llmconfig.configuration import snapshot
from llmconfig.models import ModelPrice
from metrics.models import GenerationMetric

pytestmark = pytest.mark.django_db(transaction=True)


def _run(name, selection):
    batch = creation.create(name, selection)
    while run_lane(batch.pk) != "finished":
        pass
    return progress_of(batch.pk)


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


def test_a_limited_forecast_counts_the_calls_of_rows_that_no_batch_has(
    provider, simulator, make_animals
):
    """The limit's subquery asks of each of its own rows, not of the rows around it."""
    make_animals(6)
    creation.create("description_cleaning", Selection(limit=3))
    foreseen = forecast("description_cleaning", Selection(limit=2))
    assert (foreseen.rows, foreseen.calls) == (2, 2)


def test_an_unknown_price_is_no_cost_of_zero(make_provider, simulator, make_animals, provider):
    make_animals(5)
    ModelPrice.objects.all().delete()
    snapshot.expire()
    assert forecast("description_cleaning", Selection()).cost_usd is None


def test_a_batch_price_that_no_price_list_has_is_said_to_be_assumed(
    provider, simulator, make_animals, admin_client, capsys
):
    make_animals(2)
    body = {"processing_type": "description_cleaning"}
    address = "/api/llm/batches/forecast"
    batch = creation.create(
        "description_cleaning", Selection(), terms=Terms(transport="provider_batch")
    )
    page = f"/admin/enrichment/batch/{batch.pk}/change/"

    def said() -> tuple[bool, bool, bool]:
        told = admin_client.post(address, body, content_type="application/json").json()
        call_command("enrich_descriptions", "--dry-run")
        return (
            told["batch_price_assumed"],
            "batch price assumed: half" in capsys.readouterr().out,
            "batch price assumed" in admin_client.get(page).content.decode(),
        )

    assert said() == (True, True, True)
    listed = ModelPrice.objects.get()
    listed.pk, listed.service_tier = None, "batch"
    listed.save()
    snapshot.expire()
    assert said() == (False, False, False)


@pytest.mark.parametrize(
    ("field", "flag", "value"),
    [
        ("batch_size", "--batch-size", 99),
        ("max_cost_usd", "--max-cost", 0),
        ("priority", "--priority", 999),
    ],
)
def test_what_no_batch_may_have_is_refused_before_its_cost_is_told(
    provider, make_animals, admin_client, field, flag, value
):
    make_animals(1)
    with pytest.raises(CommandError, match=f"^{field}: "):
        call_command("enrich_descriptions", "--dry-run", flag, str(value))
    body = {"processing_type": "description_cleaning", field: value}
    told = admin_client.post("/api/llm/batches/forecast", body, content_type="application/json")
    assert told.status_code == 400
    assert field in told.json()["message"]


def test_half_the_price_is_not_told_of_a_provider_without_batches(provider, make_animals):
    make_animals(1)
    type(provider).objects.update(provider_type="local")
    snapshot.expire()
    with pytest.raises(CommandError, match="provider_batch needs"):
        call_command("enrich_descriptions", "--dry-run", "--transport", "provider_batch")


def test_longer_rows_than_before_are_forecast_by_how_answers_grow(
    provider, simulator, make_animals
):
    """The instructions are the same for all rows: twice the text is not twice the prompt."""
    for length in range(5, 45):
        make_animals(2, description="She runs and plays. " * length)
    _run("description_cleaning", Selection())
    make_animals(40, description="He sleeps on the sofa all day. " * 60)
    random.seed(1)
    foreseen = forecast("description_cleaning", Selection())
    actual = _run("description_cleaning", Selection())
    assert foreseen.cost_usd.p10 < float(actual.cost_usd) < foreseen.cost_usd.p90


def test_long_tails_are_held_as_often_as_the_quantiles_promise():
    """Of 60 forecasts from 60 answers each, far from normal, 80 % should hold; 75 % must."""
    dice = random.Random(7)
    random.seed(7)
    held = 0
    for _ in range(60):
        past = [dice.lognormvariate(5, 1.0) for _ in range(60)]
        actual = sum(dice.lognormvariate(5, 1.0) for _ in range(200))
        totals = sorted(drawn_total(dice.choices(past, k=60), 200) for _ in range(200))
        held += totals[20] <= actual <= totals[179]
    assert held >= 45


def test_a_model_that_costs_nothing_is_forecast_without_a_range(
    provider, simulator, make_animals, capsys
):
    make_animals(2)
    ModelPrice.objects.update(input_per_1m=0, output_per_1m=0)
    snapshot.expire()
    call_command("enrich_descriptions", "--dry-run")
    assert "Cost: $0; as a provider batch $0 (" in capsys.readouterr().out
