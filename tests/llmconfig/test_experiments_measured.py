"""Whole experiments at the simulated provider, from the calls to what is made of them."""

import asyncio

import pytest
from asgiref.sync import async_to_sync

from llmconfig.client import agenerate
from llmconfig.client.errors import GenerationFailed
from llmconfig.configuration import experiments, snapshot
from llmconfig.models import Experiment, ProviderModel
from metrics.analyzers.experiments import compare
from metrics.analyzers.judging import Verdict

pytestmark = pytest.mark.django_db(transaction=True)
CALLS = 400
AT_ONCE = 40


@pytest.fixture
def experiment(make_provider, make_node, settings):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_CACHE_ENABLED": False}
    provider = make_provider()
    ProviderModel.objects.create(provider=provider, model_id="gpt-4o")
    node = make_node("sim/gpt-4o-mini")
    made = Experiment.objects.create(name="models", node=node)
    made.arms.create(name="control")
    made.arms.create(name="larger", model="sim/gpt-4o")
    experiments.start("models", source="shell")
    return made


def call_often(ask):
    async def one(number, turn):
        async with turn:
            try:
                await agenerate(ask(f"Name dog {number}.", experiment_key=f"row-{number}"))
            except GenerationFailed:
                return

    async def all_of_them():
        turn = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(one(number, turn) for number in range(CALLS)))

    snapshot.current()
    async_to_sync(all_of_them)()


def test_a_difference_that_the_provider_makes_is_found_and_its_gate_fails(
    experiment, ask, simulator
):
    simulator.plan({"model": "gpt-4o", "probability": 0.3, "action": {"status": 400}})
    call_often(ask)
    found = compare("models")
    assert sum(arm.succeeded.number for arm in found.arms) == CALLS
    differences = {each.measure: each for each in found.differences}
    assert differences["succeeded"].differs
    assert differences["succeeded"].high < 0
    assert [each.verdict for each in found.judgements] == [Verdict.STOP]


def test_where_the_provider_makes_none_there_is_none(experiment, ask, simulator):
    simulator.plan({"probability": 0.3, "action": {"status": 400}})
    call_often(ask)
    found = {each.measure: each for each in compare("models").differences}
    assert not found["succeeded"].differs
    assert not found["latency_ms"].differs
