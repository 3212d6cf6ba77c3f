"""Targets that keep failing are left alone, by all processes."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from llmconfig import client
from llmconfig.client.errors import GenerationExhausted
from llmconfig.client.traffic import cooldown
from llmconfig.runtime.records import replace
from tests.llmconfig.scripted import scripted_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def quick(settings):
    """One attempt a target, and short cool-downs."""
    settings.LLM_ENVIRONMENT = {
        **settings.LLM_ENVIRONMENT,
        "LLM_RETRY_MAX_ATTEMPTS": 1,
        "LLM_COOLDOWN_SECONDS": 0.5,
    }


@pytest.fixture
def two_targets(make_provider, make_node, simulator):
    make_provider("first")
    make_provider("second", model_id="gpt-4.1-nano")
    return make_node("first/gpt-4o-mini", "second/gpt-4.1-nano")


def down(simulator, **action):
    simulator.plan({"model": "gpt-4o-mini", "action": {"status": 500, **action}})


def outcomes(record):
    return [(each.provider, each.outcome) for each in record.attempts]


def test_after_five_failures_in_a_row_a_target_is_left_alone(quick, two_targets, simulator, ask):
    down(simulator)
    for _ in range(5):
        assert outcomes(client.generate(ask()).record)[0] == ("first", "http_500")
    record = client.generate(ask()).record
    assert outcomes(record) == [("first", "cooling"), ("second", "ok")]
    assert record.attempts[0].moved_on == "fallback"
    assert "5 failures in a row, the last one http_500" in record.attempts[0].detail
    assert simulator.stats()["by_model"]["gpt-4o-mini"] == 5


def test_a_single_failure_is_told_as_one(quick, settings, two_targets, simulator, ask):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_COOLDOWN_FAILURES": 1}
    down(simulator)
    client.generate(ask())
    detail = client.generate(ask()).record.attempts[0].detail
    assert "more after 1 failure, the last one http_500" in detail


def test_answers_that_broke_off_and_were_paid_do_not_make_a_target_rest(
    quick, make_provider, make_node, ask
):
    broken = {"finish_reason": "error", "message": {"role": "assistant", "content": "Be"}}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    with scripted_server() as script:
        script.tell({"choices": [broken], "usage": usage})
        make_provider("first", "custom", model_id="m", api_base_url=script.url)
        make_node("first/m")
        for _ in range(7):
            with pytest.raises(GenerationExhausted) as raised:
                client.generate(ask())
            assert outcomes(raised.value.record) == [("first", "bad_reply")]


def test_other_processes_leave_it_alone_too(two_targets, simulator, ask, callers, settings):
    lasting = {"LLM_RETRY_MAX_ATTEMPTS": 1, "LLM_COOLDOWN_SECONDS": 600}
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, **lasting}
    down(simulator)
    for _ in range(5):
        client.generate(ask())
    told, ends = Redis.from_url(settings.REDIS_URL), time.monotonic() + 60
    while not told.exists(cooldown.KEY):
        assert time.monotonic() < ends
        time.sleep(0.02)
    variables = {name: str(value) for name, value in lasting.items()}
    callers(variables, processes=1, calls=20, in_flight=1).results()
    assert simulator.stats()["by_model"]["gpt-4o-mini"] == 5


def test_it_is_tried_again_by_one_call_when_the_time_is_over(quick, two_targets, simulator, ask):
    down(simulator)
    for _ in range(6):
        client.generate(ask())
    simulator.plan()
    time.sleep(0.6)
    assert outcomes(client.generate(ask()).record) == [("first", "ok")]


def test_while_one_call_tries_it_the_others_are_not_told_to_wait_for_its_timeout(
    quick, two_targets, simulator, ask
):
    down(simulator)
    for _ in range(5):
        client.generate(ask())
    time.sleep(0.6)
    down(simulator, delay_ms=1500)  # the trial takes its time
    with ThreadPoolExecutor(1) as executor:
        trial = executor.submit(client.generate, ask())
        while simulator.stats()["by_model"]["gpt-4o-mini"] < 6:
            time.sleep(0.01)
        other = client.generate(ask()).record.attempts[0]
        trial.result()
    assert other.outcome == "cooling"
    assert other.retry_after_s <= cooldown.MAX_TRIED_SECONDS
    assert other.detail.startswith("tried again by another call after 5 failures in a row")


def test_if_it_fails_again_the_next_cool_down_is_longer(
    quick, two_targets, simulator, ask, settings
):
    down(simulator)
    for _ in range(5):
        client.generate(ask())
    time.sleep(0.6)
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_COOLDOWN_SECONDS": 50}
    assert outcomes(client.generate(ask()).record)[0] == ("first", "http_500")
    cooling = client.generate(ask()).record.attempts[0]
    assert (cooling.provider, cooling.outcome) == ("first", "cooling")
    assert 50 < cooling.retry_after_s <= 100


def test_where_nobody_listens_the_next_cool_down_is_no_longer(
    quick, make_provider, make_node, ask, settings
):
    make_provider("only", api_base_url="http://127.0.0.1:9/v1")
    make_node("only/gpt-4o-mini")
    call = replace(ask(), waits=False)
    for _ in range(5):
        with pytest.raises(GenerationExhausted):
            client.generate(call)
    time.sleep(0.6)
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_COOLDOWN_SECONDS": 50}
    with pytest.raises(GenerationExhausted) as tried:
        client.generate(call)
    assert outcomes(tried.value.record)[0] == ("only", "connection")
    with pytest.raises(GenerationExhausted) as cooling:
        client.generate(call)
    assert outcomes(cooling.value.record) == [("only", "cooling")]
    assert cooling.value.record.attempts[0].retry_after_s <= 50


def test_if_all_are_cooling_a_call_waits_for_the_first(
    quick, make_provider, make_node, simulator, ask, settings
):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_COOLDOWN_SECONDS": 2}
    make_provider("only")
    make_node("only/gpt-4o-mini")
    down(simulator)
    for _ in range(5):
        with pytest.raises(GenerationExhausted):
            client.generate(ask())
    simulator.plan()
    record = client.generate(ask()).record
    assert outcomes(record) == [("only", "cooling"), ("only", "ok")]
    assert 200 < record.latency_ms < 10_000


@pytest.mark.parametrize(("hold", "told"), [(0, ["cooling"]), (60, ["cooling", "ok"])])
def test_a_call_that_does_not_wait_is_held_as_long_as_its_provider_says(
    quick, make_provider, make_node, simulator, ask, hold, told
):
    make_provider("only", hold_seconds=hold)
    make_node("only/gpt-4o-mini")
    down(simulator)
    for _ in range(5):
        with pytest.raises(GenerationExhausted):
            client.generate(ask())
    simulator.plan()
    call = replace(ask(), waits=False)
    if told == ["cooling"]:
        with pytest.raises(GenerationExhausted) as refused:
            client.generate(call)
        record = refused.value.record
    else:
        record = client.generate(call).record
    assert [outcome for _, outcome in outcomes(record)] == told


def test_a_long_retry_after_is_believed_at_once(quick, two_targets, simulator, ask):
    down(simulator, retry_after="120")
    client.generate(ask())
    assert outcomes(client.generate(ask()).record) == [("first", "cooling"), ("second", "ok")]


def test_an_exhausted_quota_cools_at_once(quick, two_targets, simulator, ask):
    down(simulator, status=429, code="insufficient_quota")
    client.generate(ask())
    assert outcomes(client.generate(ask()).record)[0] == ("first", "cooling")


def test_a_bad_request_says_nothing_against_its_target(quick, two_targets, simulator, ask):
    down(simulator, status=400)
    for _ in range(6):
        assert outcomes(client.generate(ask()).record)[0] == ("first", "http_400")


def test_zero_failures_switch_it_off(quick, two_targets, simulator, ask, settings):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_COOLDOWN_FAILURES": 0}
    down(simulator)
    for _ in range(7):
        assert outcomes(client.generate(ask()).record)[0] == ("first", "http_500")
