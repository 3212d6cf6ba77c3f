"""Experiments: who is in which arm, what that changes, and when they run."""

import asyncio
import uuid
from collections import Counter

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from llmconfig.client import astream, generate
from llmconfig.client.http import background_loop
from llmconfig.configuration import experiments, snapshot
from llmconfig.configuration.facts import ArmFacts, Choice, ExperimentFacts
from llmconfig.configuration.resolution import explain, resolve
from llmconfig.errors import ChangeRefused
from llmconfig.models import Budget, Experiment, Revision, UserConfig
from llmconfig.runtime.records import replace
from metrics.models import GenerationMetric
from tests.api import caller
from tests.waiting import until

KEYS = [f"row-{number}" for number in range(4000)]


def an_experiment(**weights):
    arms = tuple(
        ArmFacts(str(uuid.uuid5(uuid.NAMESPACE_OID, name)), name, weight, Choice())
        for name, weight in weights.items()
    )
    return ExperimentFacts(str(uuid.UUID(int=7)), "short-answers", arms)


def arms_of(experiment):
    return {key: experiments.arm_of(experiment, key).name for key in KEYS}


def test_a_key_stays_in_its_arm_whatever_the_order_of_the_arms():
    experiment = an_experiment(a=1, b=1, c=2)
    turned = replace(experiment, arms=experiment.arms[::-1])
    assert arms_of(experiment) == arms_of(turned)


def test_keys_are_divided_by_weight():
    shares = Counter(arms_of(an_experiment(a=1, b=3)).values())
    assert shares["b"] / len(KEYS) == pytest.approx(0.75, abs=0.03)


def test_an_arm_is_the_same_in_every_process_and_version():
    experiment = an_experiment(a=1, b=1)
    assert [experiments.arm_of(experiment, f"row-{n}").name for n in range(8)] == list("abbbbaba")


@given(weight=st.integers(2, 20))
def test_a_heavier_arm_takes_keys_and_no_other_key_moves(weight):
    before, after = (
        arms_of(an_experiment(a=1, b=1, c=1)),
        arms_of(an_experiment(a=weight, b=1, c=1)),
    )
    moved = {key for key in KEYS if before[key] != after[key]}
    assert all(after[key] == "a" for key in moved)
    assert moved


def test_a_removed_arm_moves_only_its_own_keys():
    before, after = arms_of(an_experiment(a=1, b=1, c=1)), arms_of(an_experiment(a=1, b=1))
    assert {before[key] for key in KEYS if before[key] != after[key]} == {"c"}


def test_without_a_key_there_is_no_arm():
    assert experiments.arm_of(an_experiment(a=1, b=1), "") is None


@given(st.text(st.characters(exclude_categories=()), min_size=1))
def test_any_key_has_an_arm(key):
    assert experiments.arm_of(an_experiment(a=1, b=1), key) is not None


@pytest.fixture
def experiment(make_provider, make_node):
    make_provider()
    node = make_node("sim/gpt-4o-mini", default_temperature=0.5)
    experiment = Experiment.objects.create(name="short-answers", node=node)
    experiment.arms.create(name="control")
    experiment.arms.create(name="short", max_tokens=64, temperature=0.1)
    return experiment


def key_in(arm):
    """A key that belongs to an arm."""
    running = snapshot.current().experiments["tag_rows"]
    return next(key for key in KEYS if experiments.arm_of(running, key).name == arm)


@pytest.mark.django_db
def test_a_draft_changes_nothing(experiment):
    found = resolve("tag_rows", snapshot=snapshot.current(), experiment_key="row-1")
    assert (found.arm, found.targets[0].max_tokens) == ("", None)


@pytest.mark.django_db
def test_a_running_arm_overrides_the_node_and_is_named(experiment):
    experiments.start("short-answers", source="shell")
    state = snapshot.current()
    found = resolve("tag_rows", snapshot=state, experiment_key=key_in("short"))
    assert (found.experiment, found.arm) == ("short-answers", "short")
    assert (found.targets[0].temperature, found.targets[0].max_tokens) == (0.1, 64)
    assert found.winner("temperature").layer == "experiment short-answers, arm short"
    control = resolve("tag_rows", snapshot=state, experiment_key=key_in("control"))
    assert (control.arm, control.targets[0].temperature) == ("control", 0.5)
    without = resolve("tag_rows", snapshot=state)
    assert (without.experiment, without.arm, without.targets[0].temperature) == ("", "", 0.5)


@pytest.mark.django_db
def test_a_users_own_choice_goes_before_the_arm(experiment, django_user_model):
    user = django_user_model.objects.create_user("ada")
    UserConfig.objects.create(user=user, node=experiment.node, temperature=0.9)
    experiments.start("short-answers", source="shell")
    found = explain(
        "tag_rows", snapshot=snapshot.current(), user_id=user.pk, experiment_key=key_in("short")
    )
    assert (found.targets[0].temperature, found.targets[0].max_tokens) == (0.9, 64)


@pytest.mark.django_db(transaction=True)
def test_the_record_and_its_metrics_carry_experiment_and_arm(experiment, ask):
    experiments.start("short-answers", source="shell")
    record = generate(ask(experiment_key=key_in("short"))).record
    assert (record.experiment, record.experiment_arm) == ("short-answers", "short")
    row = GenerationMetric.objects.get()
    assert (row.experiment, row.experiment_arm) == ("short-answers", "short")
    assert generate(ask()).record.experiment_arm == ""


@pytest.mark.django_db
def test_a_stopped_experiment_gives_the_node_its_values_back(experiment):
    experiments.start("short-answers", source="shell")
    key = key_in("short")
    experiments.stop("short-answers", source="shell")
    found = resolve("tag_rows", snapshot=snapshot.current(), experiment_key=key)
    assert (found.arm, found.targets[0].temperature) == ("", 0.5)


@pytest.mark.django_db
def test_only_one_experiment_runs_on_a_node(experiment):
    experiments.start("short-answers", source="shell")
    other = Experiment.objects.create(name="other", node=experiment.node)
    other.arms.create(name="a")
    other.arms.create(name="b")
    with pytest.raises(ChangeRefused, match="stop it first"):
        experiments.start("other", source="shell")
    other.refresh_from_db()
    assert other.status == "draft"


@pytest.mark.django_db
def test_an_experiment_of_one_arm_does_not_start(experiment):
    experiment.arms.first().delete()
    with pytest.raises(ChangeRefused, match="two arms"):
        experiments.start("short-answers", source="shell")


@pytest.mark.django_db(transaction=True)
def test_starting_is_a_revision_and_the_command_tells_the_states(experiment, capsys):
    call_command("llm_experiment", "start", "short-answers")
    assert Revision.objects.first().message == "Started short-answers."
    call_command("llm_experiment", "list")
    assert "short-answers: running on tag_rows (control 1, short 1)" in capsys.readouterr().out
    with pytest.raises(CommandError, match="running already"):
        call_command("llm_experiment", "start", "short-answers")
    with pytest.raises(CommandError, match="no experiment 'x'; known: short-answers"):
        call_command("llm_experiment", "stop", "x")


@pytest.mark.django_db
def test_a_promoted_arm_is_the_nodes_own_and_ends_the_experiment(experiment):
    node = experiment.node
    node.azure_temperature, node.provider = 0.9, "sim"
    node.save()
    experiment.arms.filter(name="short").update(model="gpt-4o-mini", provider="")
    experiments.start("short-answers", source="shell")
    moved = experiments.promote("short-answers", "short", source="shell")
    node.refresh_from_db()
    assert (node.default_model, node.provider) == ("gpt-4o-mini", "")
    assert (node.default_temperature, node.default_max_tokens) == (0.1, 64)
    assert node.azure_temperature is None
    assert (moved.status, moved.promoted_arm) == ("stopped", "short")
    found = resolve("tag_rows", snapshot=snapshot.current(), experiment_key="row-1")
    assert (found.experiment, found.targets[0].max_tokens) == ("", 64)
    assert Revision.objects.first().message == "Promoted short of short-answers."


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("begin", "arm", "why"),
    [(False, "short", "never started"), (True, "long", "no arm 'long'; it has control, short")],
)
def test_only_an_arm_that_was_tried_is_promoted(experiment, begin, arm, why):
    if begin:
        experiments.start("short-answers", source="shell")
    with pytest.raises(ChangeRefused, match=why):
        experiments.promote("short-answers", arm, source="shell")
    experiment.node.refresh_from_db()
    assert experiment.node.default_max_tokens is None


@pytest.fixture
def shadow(experiment):
    experiment.mode = "shadow"
    experiment.save()
    experiments.start("short-answers", source="shell")
    return experiment


def calls_when(number):
    """The calls, once there are so many: a shadow's is stored when nobody waits for it."""
    until(lambda: GenerationMetric.objects.count() >= number)
    return {row.experiment_arm: row for row in GenerationMetric.objects.all()}


def no_shadow_is_under_way():
    """The process's loop has carried out what was submitted to it."""
    background_loop.submit(asyncio.sleep(0.2)).result()


@pytest.mark.django_db(transaction=True)
def test_a_shadow_is_asked_beside_and_its_answer_never_used(shadow, ask, simulator):
    budget = Budget.objects.create(name="all", hard_limit_usd=1)
    snapshot.expire()
    record = generate(ask(experiment_key=key_in("short"))).record
    calls = calls_when(2)
    assert record.experiment_arm == "control"
    assert {arm: row.service_name for arm, row in calls.items()} == {
        "control": "application", "short": "shadow",
    }  # fmt: skip
    assert {row.experiment for row in calls.values()} == {"short-answers"}
    assert simulator.requests == 2
    costs = sum(row.cost_usd or 0 for row in calls.values())
    (spent,) = budget.spending.values_list("spent_usd", flat=True)
    assert spent == costs > 0


@pytest.mark.django_db(transaction=True)
def test_a_failing_or_slow_shadow_is_no_concern_of_the_caller(experiment, shadow, ask, simulator):
    experiment.arms.filter(name="short").update(model="sim/gone")
    snapshot.expire()
    simulator.plan({"model": "gone", "action": {"delay_ms": 2000, "status": 400}})
    record = generate(ask(experiment_key=key_in("short"))).record
    assert record.error_code == ""
    assert [row.experiment_arm for row in GenerationMetric.objects.all()] == ["control"]
    assert calls_when(2)["short"].error_code == "http_400"


@pytest.mark.django_db(transaction=True)
def test_only_keys_of_shadow_arms_are_asked_twice(shadow, ask, simulator):
    generate(ask(experiment_key=key_in("control")))
    generate(ask())
    # The caller's own values go before both arms: the same call twice shows nothing.
    own = {"temperature": 0.3, "max_tokens": 20}
    generate(ask(experiment_key=key_in("short"), given=own))
    no_shadow_is_under_way()
    assert simulator.requests == 3


@pytest.mark.django_db(transaction=True)
def test_streams_have_shadows_too(shadow, ask):
    async def hear():
        return [piece async for piece in astream(ask(experiment_key=key_in("short")))]

    key_in("short")  # reads the configuration outside the loop
    heard = background_loop.run(hear())
    assert heard[-1].record.experiment_arm == "control"
    assert set(calls_when(2)) == {"control", "short"}


@pytest.mark.django_db
def test_a_shadow_without_a_control_does_not_start(experiment):
    experiment.mode = "shadow"
    experiment.save()
    experiment.arms.filter(name="control").update(temperature=0.0)
    with pytest.raises(ChangeRefused, match="one arm that overrides nothing"):
        experiments.start("short-answers", source="shell")


@pytest.mark.django_db
def test_the_api_sets_gates_and_promotes_an_arm(experiment):
    address, client = "/api/v1/llm/experiments/short-answers", caller("administrator")
    gates = {"mode": "shadow", "most_cost_increase": 0.1, "most_latency_increase": None}
    changed = client.patch(address, gates, format="json")
    assert changed.status_code == 200, changed.content
    assert {name: changed.json()[name] for name in gates} == gates
    assert client.patch(address, {"most_quality_loss": 2}, format="json").status_code == 400
    assert client.post(f"{address}/start").json()["status"] == "running"
    refused = client.post(f"{address}/promote", {"arm": "long"}, format="json")
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "arm")
    done = client.post(f"{address}/promote", {"arm": "short"}, format="json").json()
    assert (done["status"], done["promoted_arm"]) == ("stopped", "short")
    experiment.node.refresh_from_db()
    assert experiment.node.default_max_tokens == 64
