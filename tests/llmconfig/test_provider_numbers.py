"""Numbers that providers send are bounded before they are believed."""

import datetime as dt
import math
import time
from decimal import Decimal
from email.utils import format_datetime

import pytest

from llmconfig.client.http.retry_after import MAX_RETRY_AFTER_S, retry_after
from llmconfig.client.types import Generation
from llmconfig.client.wire.errors import error_in
from llmconfig.models import ModelPrice, ProviderModel
from tests.llmconfig.scripted import asked, chunks, completion, event, scripted_server, streamed

pytestmark = pytest.mark.django_db(transaction=True)

FAR = format_datetime(dt.datetime(9999, 12, 31, tzinfo=dt.UTC), usegmt=True)
NEAR = format_datetime(dt.datetime(2001, 1, 1, tzinfo=dt.UTC), usegmt=True)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "inf"}, MAX_RETRY_AFTER_S),
        ({"retry-after": "1e300"}, MAX_RETRY_AFTER_S),
        ({"retry-after": "9" * 5000}, MAX_RETRY_AFTER_S),
        ({"retry-after": FAR}, MAX_RETRY_AFTER_S),
        ({"retry-after": NEAR}, 0),
        ({"retry-after": "-inf"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Mon, 99 Zzz 99999 99:99:99 GMT"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after-ms": "1e300"}, MAX_RETRY_AFTER_S),
        ({"retry-after-ms": "nan", "retry-after": "3"}, 3),
        ({"x-ms-retry-after-ms": "1500", "retry-after": "2"}, 1.5),
    ],
)
def test_a_wait_that_a_provider_asks_for_is_bounded(told, seconds):
    assert retry_after(told) == seconds


@pytest.mark.parametrize(
    ("reset", "seconds"), [(90_000, 90), (10**15, None), (None, None), ("soon", None)]
)
def test_openrouter_names_the_end_of_its_limit_in_the_error(reset, seconds):
    """In milliseconds since 1970, as text: of free models, whose limit is a day's."""
    told = str(int(time.time() * 1000) + reset) if isinstance(reset, int) else reset
    metadata = {"headers": {"X-RateLimit-Limit": "50", "X-RateLimit-Reset": told}}
    error = {"code": 429, "message": "Rate limit exceeded: free-models-per-day.",
             "metadata": metadata}  # fmt: skip
    found = error_in({"error": error}, good=False)
    assert found is not None
    if seconds is None:
        assert found.retry_after_s is None
    else:
        assert found.retry_after_s == pytest.approx(seconds, abs=30)


@pytest.fixture(scope="module")
def provider():
    with scripted_server() as server:
        yield server


@pytest.fixture
def node(provider, make_provider, make_node, settings):
    make_provider(api_base_url=provider.url)
    return make_node("sim/gpt-4o-mini")


def usage(prompt=9, answer=4, **more):
    return {"prompt_tokens": prompt, "completion_tokens": answer, **more}


# What is told, the tokens that are recorded, and the cost: 1 dollar a million in, 10 out.
RIGHT = Decimal("0.000049")
TOLD = [
    (usage(), 13, RIGHT),
    (usage(10**9, 4), 0, None),
    (usage(9, 10**9), 0, None),
    (usage(50_000_000, 4), 0, None),
    (usage(-1, 4), 0, None),
    (usage(9, -4), 0, None),
    (usage(1e300, 4), 0, None),
    (usage("nine", "four"), 0, None),
    (usage(cost=100_000), 13, RIGHT),
    (usage(cost=999), 13, RIGHT),
    (usage(cost=-1), 13, RIGHT),
    (usage(cost=0.0001), 13, Decimal("0.0001")),
    (usage(10**9, 4, cost=3), 0, None),
]


def test_an_error_within_a_paid_reply_costs_what_the_reply_says(node, provider, ask):
    """OpenRouter's, whose provider broke off: each of the requests was billed."""
    broken = {"error": {"code": 502, "message": "Provider disconnected"}, "finish_reason": "error"}
    reply = completion({"content": "Wo"}) | {"usage": usage(cost=0.002)}
    reply["choices"][0] |= broken
    provider.tell(reply)
    record = asked(ask()).record
    assert [each.outcome for each in record.attempts] == ["http_502"] * 3
    assert record.cost_usd == Decimal("0.006")
    assert record.usage.tokens_input == 27


def test_an_advisors_tokens_are_paid_at_its_own_price(provider, make_provider, make_node, ask):
    """In a region that costs a tenth more; a count that can't be is not booked."""
    row = make_provider(provider_type="anthropic", api_base_url=provider.url, model_id="claude")
    make_provider("other", "anthropic", model_id="advisor", price=("7", "70"))
    model = ProviderModel.objects.create(provider=row, model_id="advisor")
    ModelPrice.objects.create(
        model=model, valid_from=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), input_per_1m=5,
        output_per_1m=25,
    )  # fmt: skip
    make_node("sim/claude")
    advice = {"type": "advisor_message", "model": "advisor", "input_tokens": 100}
    for output, name, cost in (
        (200, "advisor", Decimal("0.0061039")),
        (200, "nobody", None),
        (10**9, "advisor", None),
    ):
        step = {**advice, "model": name, "output_tokens": output}
        told = {"input_tokens": 9, "output_tokens": 4, "inference_geo": "us", "iterations": [step]}
        provider.tell(
            {"type": "message", "stop_reason": "end_turn", "usage": told,
             "content": [{"type": "text", "text": "Woof."}]}
        )  # fmt: skip
        made = asked(ask(f"{output} {name}"))
        assert made.record.cost_usd == cost, made.record


@pytest.mark.parametrize(("told", "tokens", "cost"), TOLD)
def test_usage_and_cost_that_cannot_be_are_not_booked(node, provider, ask, told, tokens, cost):
    provider.tell(completion({"content": "Woof."}) | {"usage": told})
    made = asked(ask())
    assert isinstance(made, Generation)
    record = made.record
    assert record.usage.tokens_input + record.usage.tokens_output == tokens
    assert record.cost_usd == cost


def test_what_is_not_believed_is_noted(node, provider, ask):
    provider.tell(completion({"content": "Woof."}) | {"usage": usage(10**9, 4)})
    (attempt,) = asked(ask()).record.attempts
    assert "1,000,000,004 tokens" in attempt.detail
    assert attempt.cost_source == "unknown"
    provider.tell(completion({"content": "Woof."}) | {"usage": usage(cost=500)})
    (attempt,) = asked(ask()).record.attempts
    assert "$500" in attempt.detail
    assert attempt.cost_source == "priced"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_no_usage(node, provider, ask, number):
    raw = '{"choices":[{"message":{"content":"Woof."},"finish_reason":"stop"}],"usage":'
    raw += f'{{"prompt_tokens":{number},"completion_tokens":4,"cost":{number}}}}}'
    provider.tell(raw.encode())
    record = asked(ask()).record
    assert record.cost_usd is None
    assert math.isfinite(record.latency_ms)


def test_a_stream_is_held_to_the_same_bounds(node, provider, ask):
    pieces = chunks({"content": "Woof."})
    pieces[-2] = event({"choices": [], "usage": usage(9, 10**9, cost=2)})
    provider.tell(pieces=pieces)
    _, made = streamed(ask())
    assert made.record.usage.tokens_output == 0
    assert made.record.cost_usd is None


def test_an_answer_after_the_timeout_is_estimated_and_never_free(
    make_provider, make_node, ask, simulator
):
    make_provider(timeout_seconds=0.2)
    make_node("sim/gpt-4o-mini")
    simulator.fail_first(1, delay_ms=600)
    record = asked(ask()).record
    late, answered = record.attempts
    assert (late.outcome, answered.outcome) == ("timeout", "ok")
    assert late.cost_source == "estimated"
    assert late.estimated_usd > 0
    assert record.cost_usd is None
    simulator.fail(delay_ms=600)
    assert asked(ask()).record.cost_usd is None
