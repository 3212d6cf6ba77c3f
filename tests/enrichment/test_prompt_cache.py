"""What all rows' prompts begin with is cached by providers, and forecasts know it."""

import pytest

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.engine.lanes import run_lane
from enrichment.forecast import forecast
from enrichment.models import Prompt
from enrichment.single import enrich_row
from llmconfig.client.types import SharedPrefix
from llmconfig.client.wire.prompt_cache import key_pays, mark_pays, needs_breakpoint
from llmconfig.configuration import snapshot
from llmconfig.models import NodeConfiguration, ProviderModel
from metrics.models import GenerationMetric

pytestmark = pytest.mark.django_db(transaction=True)
NODE = "description_cleaning"
STYLE = "Write plain words and one thought a sentence. " * 95  # 1,092 tokens at the simulator


def made(provider, *, model, system=STYLE):
    ProviderModel.objects.get_or_create(provider=provider, model_id=model)
    NodeConfiguration.objects.update_or_create(
        node_name=NODE, defaults={"default_model": f"{provider.name}/{model}"}
    )
    Prompt.objects.create(
        enrichment=NODE, version=1, system=system, user="<a>{{description}}</a>", is_active=True
    )
    snapshot.expire()


def tokens():
    calls = GenerationMetric.objects.order_by("id")
    return list(calls.values_list("tokens_cached_input", "tokens_cache_write"))


@pytest.mark.parametrize(
    ("kind", "model", "read", "written"),
    [
        ("openai", "gpt-4o-mini", {0, 1024}, {0}),
        ("anthropic", "claude-sonnet-4-5", {0, len(STYLE) // 4}, {0, len(STYLE) // 4}),
        ("anthropic", "claude-haiku-4-5", {0}, {0}),  # keeps from 4,096 tokens on
        # Found at a breakpoint alone, which stands after what all rows have.
        ("openai", "gpt-5.6-mini", {0, len(STYLE) // 4}, {0, len(STYLE) // 4}),
        ("custom", "gpt-4o-mini", {0, 1024}, {0}),  # by itself, and without a word of ours
    ],
)
def test_a_long_system_prompt_is_read_from_the_cache(
    make_provider, simulator, make_animals, kind, model, read, written
):
    provider = make_provider("sim", kind, model_id=model)
    simulator.control(prompt_cache=True)
    made(provider, model=model)
    make_animals(12)
    run_lane(creation.create(NODE, Selection(limit=2)).pk)
    run_lane(creation.create(NODE, Selection()).pk)
    assert {each[0] for each in tokens()} == read
    assert {each[1] for each in tokens()} == written
    assert tokens()[-1][0] == max(read)


def test_rows_without_a_long_beginning_are_not_written_to_a_cache_that_bills_it(
    make_provider, simulator, make_animals
):
    provider = make_provider("sim", "openai", model_id="gpt-5.6-mini")
    simulator.control(prompt_cache=True)
    made(provider, model="gpt-5.6-mini", system="Clean it.")
    make_animals(3, description=STYLE)
    run_lane(creation.create(NODE, Selection()).pk)
    assert set(tokens()) == {(0, 0)}


def test_neither_a_single_row_nor_a_prompt_that_differs_by_row_is_marked(
    make_provider, simulator, make_animals
):
    provider = make_provider("sim", "anthropic", model_id="claude-sonnet-4-5")
    simulator.control(prompt_cache=True)
    made(provider, model="claude-sonnet-4-5")
    first, *_ = make_animals(4)
    enrich_row(NODE, first.pk)
    Prompt.objects.update(system=f"{STYLE} It is of {{{{name}}}}.")
    run_lane(creation.create(NODE, Selection()).pk)
    assert set(tokens()) == {(0, 0)}


def test_a_forecast_counts_what_came_from_the_cache(make_provider, simulator, make_animals):
    provider = make_provider("sim", model_id="gpt-4o-mini")
    price = ProviderModel.objects.get(model_id="gpt-4o-mini").prices.get()
    price.cached_input_per_1m = 0
    price.output_per_1m = 0
    price.save()
    made(provider, model="gpt-4o-mini")
    make_animals(30)
    run_lane(creation.create(NODE, Selection(limit=5)).pk)
    plain = forecast(NODE, Selection()).cost_usd
    simulator.control(prompt_cache=True)
    GenerationMetric.objects.all().delete()
    run_lane(creation.create(NODE, Selection(limit=1)).pk)
    run_lane(creation.create(NODE, Selection(limit=5)).pk)
    assert forecast(NODE, Selection()).cost_usd.p90 < plain.p10 / 2


def test_least_lengths_are_the_vendors():
    def prefix(system, schema=0):
        return SharedPrefix("k", system, schema)

    assert mark_pays(prefix(1024), "claude-sonnet-4-5-20250929")
    assert mark_pays(prefix(1024), "anthropic/claude-opus-4.1")
    assert not mark_pays(prefix(4095), "anthropic/claude-opus-4.5")
    assert not mark_pays(prefix(4095), "claude-opus-4-6")
    assert not mark_pays(prefix(2047), "claude-3-5-haiku-latest")
    assert not mark_pays(prefix(2047), "claude-opus-4-7")
    assert mark_pays(prefix(2048), "claude-opus-4-7")
    for model in ("claude-opus-4-8", "claude-sonnet-4-6", "claude-sonnet-5", "claude-opus-4-1"):
        assert not mark_pays(prefix(1023), model)
        assert mark_pays(prefix(1024), model)
    # What no table has is marked from the least length on that any model has.
    for model in ("claude-opus-5", "claude-fable-5", "claude-mythos-5", "claude-of-tomorrow"):
        assert not mark_pays(prefix(511), model)
        assert mark_pays(prefix(512), model)
    assert not mark_pays(None, "claude-sonnet-4-5")
    assert [needs_breakpoint(each) for each in ("gpt-5.5", "gpt-5", "gpt-4o", "o4-mini")] == [
        False
    ] * 4
    assert all(map(needs_breakpoint, ("gpt-5.6", "gpt-5.6-mini", "openai/gpt-5.10", "gpt-6")))
    assert key_pays(prefix(500, 524))
    assert not key_pays(prefix(1023))
