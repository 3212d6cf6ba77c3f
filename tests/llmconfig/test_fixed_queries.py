"""The snapshot's tables, read in one round trip."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from llmconfig.configuration import fixed_queries, snapshot, stored_facts
from llmconfig.models import (
    Budget,
    Experiment,
    ExperimentArm,
    GlobalConfig,
    LLMConfig,
    ModelPrice,
    NodeConfiguration,
    Provider,
    ProviderModel,
    RefusedParameter,
    UserConfig,
)

pytestmark = pytest.mark.django_db
QUERIES = [
    each for each in vars(stored_facts).values() if isinstance(each, fixed_queries.FixedQuery)
]


@pytest.fixture
def every_table(django_user_model):
    provider = Provider.objects.create(name="sim", provider_type="openai", timeout_seconds=1.5)
    for name, is_active in (("a", True), ("b", False)):
        model = ProviderModel.objects.create(
            provider=provider, model_id=name, is_active=is_active, retires_at=timezone.now()
        )
        ModelPrice.objects.create(
            model=model, valid_from=timezone.now(), input_per_1m=Decimal("0.150000"),
            hours_from=dt.time(1), hours_until=dt.time(2, 30),
        )  # fmt: skip
    LLMConfig.objects.create(pk=1, provider=provider, enabled=True)
    GlobalConfig.objects.create(interaction_type="reasoning", model="sim/a", fallbacks=["sim/b"])
    node = NodeConfiguration.objects.create(
        node_name="n", interaction_type="reasoning", default_model="50% of 'quoted'; %s",
        fallbacks=["sim/a", "sim/b"],
    )  # fmt: skip
    for status in ("running", "stopped"):
        experiment = Experiment.objects.create(name=status, node=node, status=status)
        ExperimentArm.objects.create(experiment=experiment, name="control", weight=50)
    Budget.objects.create(name="on", hard_limit_usd=Decimal("1.5"))
    Budget.objects.create(name="off", hard_limit_usd=1, is_enabled=False)
    RefusedParameter.objects.create(provider=provider, model_id="a", parameter="temperature")
    user = django_user_model.objects.create_user("ada")
    UserConfig.objects.create(user=user, interaction_type="", node=node, model="sim/a")


@pytest.mark.parametrize("query", QUERIES, ids=[each.table.__name__ for each in QUERIES])
def test_what_a_compiled_query_reads_is_what_django_reads(query, every_table):
    read = fixed_queries.ask(query)[query]
    asked = list(query._make())
    assert read
    assert [vars_of(each) for each in read] == [vars_of(each) for each in asked]


def vars_of(row):
    return {name: value for name, value in vars(row).items() if name != "_state"}


def test_the_whole_configuration_takes_one_round_trip(every_table, django_assert_num_queries):
    # All tables, one statement after the other.
    with django_assert_num_queries(1):
        read = stored_facts.read()
    assert stored_facts.version() == (read.revision, read.token)
    assert set(read.models) == {("sim", "a")}
    assert set(read.experiments) == {"n"}
    assert read.refused == {("sim", "a"): {"temperature"}}
    assert [choice.model for choice in read.user_choices.values()] == ["sim/a"]
    assert [budget.name for budget in read.budgets] == ["on"]
    assert snapshot.load().nodes == read.nodes


def test_rows_below_one_that_was_not_there_yet_are_left_out(every_table):
    """Between two statements somebody may commit a provider with its models."""
    rows = fixed_queries.ask(stored_facts._MODELS, stored_facts._PRICES)
    models = rows[stored_facts._MODELS]
    known = {models[0].provider_id: "sim"}
    assert set(stored_facts._models(models, rows[stored_facts._PRICES], known)) == {("sim", "a")}
    assert stored_facts._models(models, rows[stored_facts._PRICES], {}) == {}
