"""What experiments show: differences that are there, none that aren't, however often one looks."""

import datetime as dt
import random
from decimal import Decimal
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from benchmarks import experiments as drawn
from benchmarks.experiments import Planted
from llmconfig.configuration import experiments
from llmconfig.models import Experiment, NodeConfiguration
from metrics.analyzers.experiments import compare
from metrics.analyzers.intervals import Sample, Share
from metrics.analyzers.judging import Arm, Margins, Verdict, hold_to_gates, judge
from metrics.models import GenerationHistory
from metrics.recording import record_call
from tests.api import caller
from tests.metrics.calls import TEXTS, a_record

NOW = dt.datetime.now(dt.UTC)
SOON = NOW + dt.timedelta(minutes=1)


def record(**changes):
    made = a_record(**{"created_at": NOW, "cache_hit": False, "saved_usd": None, **changes})
    record_call(made, TEXTS)
    return made


def test_looking_at_every_fifty_calls_raises_no_more_false_alarms_than_promised():
    seen = drawn.measure(drawn.NOTHING, experiments=150, seed=7)
    assert seen.always_valid <= 0.1  # 0.05 is promised; this is three standard errors above
    assert seen.usual > 0.15  # what the same looks make of a test for one look


@pytest.mark.parametrize(
    "planted", [Planted(cost=1.3), Planted(latency=0.8), Planted(success=-0.1)]
)
def test_a_planted_difference_is_found(planted):
    assert drawn.measure(planted, experiments=25, seed=8).always_valid >= 0.95


def test_several_arms_raise_no_more_alarms_than_two():
    chance = random.Random(9)
    alarms = 0
    for _ in range(200):
        arms = [drawn.Drawn(chance) for _ in range(4)]
        for _ in range(150):
            for arm in arms:
                arm.call()
        found = judge([drawn.as_arm(str(number), arm) for number, arm in enumerate(arms)])
        alarms += any(each.differs for each in found)
    assert alarms / 200 <= 0.1


def an_arm(name, *, good=900, calls=1000, cost=1.0, latency=100.0, accepted=(0, 0), quality=None):
    return Arm(
        name,
        Share(good, calls),
        Share(*accepted),
        Sample(calls, cost, (cost / 2) ** 2),
        Sample(calls, latency, (latency / 2) ** 2),
        quality or Sample(0, 0.0, 0.0),
    )


ALL = Margins(quality_loss=0.05, cost_increase=0.2, latency_increase=0.2)


def verdict_of(arm, *, margins=ALL, control=None):
    held_against = control or an_arm("control")
    return hold_to_gates(arm, held_against, judge([held_against, arm]), margins, fewest=100)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"cost": 0.5}, Verdict.PROMOTE),
        ({}, Verdict.NO_WORSE),
        ({"cost": 1.6}, Verdict.STOP),
        ({"cost": 0.5, "latency": 200.0}, Verdict.STOP),
        ({"cost": 0.5, "good": 700}, Verdict.STOP),
        ({"cost": 0.5, "calls": 90, "good": 81}, Verdict.WAIT),
        ({"cost": 1.2}, Verdict.WAIT),
        ({"cost": 0.5, "accepted": (100, 400)}, Verdict.STOP),
        ({"cost": 0.5, "quality": Sample(1000, 0.5, 0.01)}, Verdict.STOP),
    ],
)
def test_an_arm_is_held_to_each_gate(changes, verdict):
    control = an_arm("control", accepted=(300, 400), quality=Sample(1000, 0.8, 0.01))
    assert verdict_of(an_arm("new", **changes), control=control).verdict == verdict


def test_gates_left_blank_are_not_held_to():
    dear = an_arm("dear", cost=3.0, latency=50.0)
    margins = Margins(quality_loss=0.05, cost_increase=None, latency_increase=0.2)
    judged = verdict_of(dear, margins=margins)
    assert judged.verdict == Verdict.PROMOTE
    assert judged.better_in == ("latency_ms",)
    assert [gate.measure for gate in judged.gates] == ["succeeded", "latency_ms"]


def test_calls_without_any_price_are_judged_by_the_rest():
    unpriced = {"cost_usd": Sample(0, 0.0, 0.0)}
    arms = [an_arm(name, latency=latency) for name, latency in (("control", 100), ("new", 50))]
    control, new = (
        Arm(each.name, each.succeeded, each.accepted, unpriced["cost_usd"], each.latency_ms)
        for each in arms
    )
    assert verdict_of(new, control=control).verdict == Verdict.PROMOTE


@pytest.fixture
def experiment(db):
    node = NodeConfiguration.objects.create(node_name="n", interaction_type="enricher")
    made = Experiment.objects.create(name="e", node=node, fewest_calls=30)
    made.arms.create(name="control")
    made.arms.create(name="fast", max_tokens=64)
    experiments.start("e", source="shell")
    made.started_at = NOW
    Experiment.objects.update(started_at=NOW)
    return made


def some_calls():
    for number in range(40):
        for arm, latency in (("control", 100), ("fast", 50)):
            made = record(
                experiment="e", experiment_arm=arm, latency_ms=latency + number,
                cost_usd=Decimal(1), error_code="timeout" if number < 3 else "",
            )  # fmt: skip
            GenerationHistory.objects.filter(correlation_id=made.correlation_id).update(
                quality_score=0.9
            )
    record(experiment="e", experiment_arm="fast", cache_hit=True)
    record(experiment="another", experiment_arm="fast")


def test_arms_are_compared_by_their_calls_and_not_before_there_are_enough(experiment):
    some_calls()
    found = compare("e")
    assert [(arm.name, arm.succeeded, arm.quality.number) for arm in found.arms] == [
        ("control", Share(37, 40), 40), ("fast", Share(37, 40), 40),
    ]  # fmt: skip
    assert {each.measure: each.differs for each in found.differences} == {
        "latency_ms": True, "cost_usd": False, "succeeded": False, "quality": False,
    }  # fmt: skip
    assert (found.control, found.since) == ("control", NOW)
    (judgement,) = found.judgements
    assert judgement.arm == "fast"
    record(experiment="small", experiment_arm="a")
    record(experiment="small", experiment_arm="b")
    assert compare("small", since=NOW, until=SOON).differences == ()


@pytest.mark.usefixtures("known_configuration")
def test_an_experiments_calls_are_found_by_the_index(experiment, django_assert_max_num_queries):
    some_calls()
    with django_assert_max_num_queries(3) as counted:
        compare("e")
    assert all("experiment <> ''" in each["sql"] for each in counted.captured_queries[2:])


def test_the_page_shows_the_arms_and_its_buttons_move_the_experiment(experiment):
    some_calls()
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    page = reverse("admin:llmconfig_experiment_change", args=[experiment.pk])
    text = client.get(page).content.decode()
    for part in ("Variants side by side", "92.5%", "gate: not sure yet", "Promote fast", ">Stop<"):
        assert part in text
    move = reverse("admin:llmconfig_experiment_move", args=[experiment.pk])
    assert client.get(move).status_code == 405
    promote = {"move": "promote", "arm": "fast"}
    asked = client.post(move, promote).content.decode()
    assert "although its figures speak against it?" in asked
    assert "Wait: not enough is known yet." in asked
    experiment.refresh_from_db()
    assert experiment.status == "running"
    done = client.post(move, promote | {"confirmed": "yes"}, follow=True).content.decode()
    assert "Promoted: <strong>fast</strong>" in done
    experiment.node.refresh_from_db()
    assert experiment.node.default_max_tokens == 64
    assert "The experiment &#x27;e&#x27; is not running." in (
        client.post(move, {"move": "stop"}, follow=True).content.decode()
    )
    viewer = User.objects.create_user("vera", is_staff=True)
    client.force_login(viewer)
    assert client.post(move, {"move": "start"}).status_code == 403


def test_the_command_tells_what_the_arms_show(experiment):
    out = StringIO()
    call_command("llm_experiment", "show", "e", stdout=out)
    assert "no calls yet" in out.getvalue()
    some_calls()
    out = StringIO()
    call_command("llm_experiment", "show", "e", stdout=out)
    assert "control: 40 calls, 92.5% succeeded" in out.getvalue()
    assert "latency_ms: fast has -50 against control" in out.getvalue()
    out = StringIO()
    call_command("llm_experiment", "promote", "e", "fast", stdout=out)
    assert "fast is now the node n's own; e is stopped" in out.getvalue()
    with pytest.raises(CommandError, match="NAME ARM"):
        call_command("llm_experiment", "promote", "e")
    with pytest.raises(CommandError, match="no experiment 'x'"):
        call_command("llm_experiment", "show", "x")


def test_the_api_tells_the_same(experiment):
    some_calls()
    answer = caller("viewer").get("/api/v1/llm/metrics/experiments/e")
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert found["judgements"][0]["verdict"] == "wait"
    assert {gate["measure"] for gate in found["judgements"][0]["gates"]} == {
        "succeeded", "quality", "cost_usd", "latency_ms",
    }  # fmt: skip
