"""Each token that a provider counts is paid once, in both wire formats, streamed or whole."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmconfig.client.types import Usage
from llmconfig.client.wire.anthropic import AnthropicWire
from llmconfig.client.wire.openai import OpenAIWire
from llmconfig.configuration.prices import cost
from llmconfig.configuration.pricing import PriceFacts

counts = st.integers(0, 10**8)
rates = st.decimals(min_value=0, max_value=1000, places=6, allow_nan=False)
prices = st.builds(
    PriceFacts, st.just(dt.datetime(2026, 1, 1, tzinfo=dt.UTC)), rates, rates, rates, rates
)  # fmt: skip


@st.composite
def buckets(draw):
    """Fresh, read, written, shown and thought tokens; some at least."""
    found = draw(st.tuples(counts, counts, counts, counts, counts))
    return found if any(found) else (1, *found[1:])


def openai_counts(fresh, read, written, shown, thought):
    """Its totals include their parts."""
    return {
        "prompt_tokens": fresh + read + written,
        "completion_tokens": shown + thought,
        "total_tokens": fresh + read + written + shown + thought,
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": thought},
    }


def anthropic_counts(fresh, read, written, shown, thought):
    """Its input leaves out both caches, its output includes what was thought."""
    return {
        "input_tokens": fresh,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "output_tokens": shown + thought,
        "output_tokens_details": {"thinking_tokens": thought},
    }


def openai_whole(told):
    choice = {"message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
    return OpenAIWire().read({"choices": [choice], "usage": told})


def openai_streamed(told):
    """Some servers tell the counts so far with each event."""
    listener = OpenAIWire().listener()
    said = {"choices": [{"index": 0, "delta": {"content": "Yes."}, "finish_reason": None}]}
    thought = told["completion_tokens_details"]["reasoning_tokens"]
    listener.feed({**said, "usage": {**told, "completion_tokens": thought}})
    listener.feed({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    listener.feed({"choices": [], "usage": told})
    return listener.reply()


def anthropic_whole(told):
    return AnthropicWire().read(
        {"content": [{"type": "text", "text": "Yes."}], "stop_reason": "end_turn", "usage": told}
    )


def anthropic_streamed(told):
    """The input is told at the start, and the output's count so far again at the end."""
    listener = AnthropicWire().listener()
    start = {**told, "output_tokens": min(1, told["output_tokens"]), "output_tokens_details": None}
    end = {name: told[name] for name in ("output_tokens", "output_tokens_details")}
    text = {"type": "text_delta", "text": "Yes."}
    listener.feed({"type": "message_start", "message": {"usage": start}})
    listener.feed({"type": "content_block_start", "index": 0, "content_block": {"type": "text"}})
    listener.feed({"type": "content_block_delta", "index": 0, "delta": text})
    listener.feed({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": end})
    listener.feed({"type": "message_stop"})
    return listener.reply()


@pytest.mark.parametrize(
    ("told", "read"),
    [
        (openai_counts, openai_whole),
        (openai_counts, openai_streamed),
        (anthropic_counts, anthropic_whole),
        (anthropic_counts, anthropic_streamed),
    ],
)
@given(tokens=buckets(), price=prices)
def test_each_token_is_paid_once_at_its_own_rate(told, read, tokens, price):
    reply = read(told(*tokens))
    assert reply.counted
    assert reply.usage == Usage(*tokens)
    assert (reply.usage.tokens_input, reply.usage.tokens_output) == (
        sum(tokens[:3]),
        sum(tokens[3:]),
    )
    paid = (price.input, price.cached_input, price.cache_write, price.output, price.output)
    bill = sum(
        (number * (rate or Decimal(0)) for number, rate in zip(tokens, paid, strict=True)),
        Decimal(0),
    )
    made = cost(reply.usage, price)
    assert made is not None
    assert abs(made - bill / 1_000_000) <= Decimal("5E-11")


@pytest.mark.parametrize(
    ("told", "read"), [(openai_counts, openai_whole), (anthropic_counts, anthropic_whole)]
)
@given(tokens=buckets(), rate=rates)
def test_a_bucket_without_a_price_makes_the_cost_unknown(told, read, tokens, rate):
    usage = read(told(*tokens)).usage
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    no_output = PriceFacts(moment, rate, None, None, None)
    no_input = PriceFacts(moment, None, rate, None, None)
    assert (cost(usage, no_output) is None) == bool(usage.tokens_output)
    assert (cost(usage, no_input) is None) == bool(usage.tokens_input)
    assert cost(usage, None) is None
