"""Estimates hold against tokenizers; `python -m benchmarks.estimates` counted the tokens below."""

from typing import Any

import pytest

from benchmarks.estimate_texts import texts
from llmconfig.client.pipeline.token_estimates import (
    MIN_CHARACTERS_PER_TOKEN,
    most_of_prompt,
    most_tokens,
)
from llmconfig.client.types import Call

# The more that GPT-4's (cl100k_base) and GPT-4o's (o200k_base) make of each text; bpe-openai 0.1.4.
COUNTED = {
    "English": 272, "German": 302, "French": 230, "Russian": 358, "Greek": 592, "Arabic": 409,
    "Hebrew": 480, "Hindi": 741, "Bengali": 735, "Tamil": 790, "Thai": 559, "Japanese": 387,
    "Korean": 387, "Chinese": 318, "Emoji": 199, "CSV": 1912, "UUIDs": 947, "JSON": 2746,
    "JSON, indented": 1161, "JSON of numbers": 1319, "numbers": 1735, "hex": 1497, "Base64": 2305,
    "log": 2254, "HTML": 1894, "SQL": 1824,
}  # fmt: skip
TEXTS = texts()


@pytest.mark.parametrize("name", TEXTS)
def test_an_estimate_is_no_less_than_what_tokenizers_count_and_not_much_more(name):
    estimate = most_tokens(TEXTS[name])
    assert COUNTED[name] <= estimate <= 1.5 * COUNTED[name]


def test_every_part_of_a_text_counts():
    for name, text in TEXTS.items():
        half = len(text) // 2
        parts = most_tokens(text[:half]) + most_tokens(text[half:])
        assert parts == pytest.approx(most_tokens(text), rel=0.05), name
    assert most_tokens("") == 0
    assert most_tokens("a" * 300) == 300 // MIN_CHARACTERS_PER_TOKEN
    assert most_tokens("\ud800") > 0


LONG = "The dog is brown and sleeps. " * 400
DETAIL = {"type": "reasoning.text", "text": LONG, "signature": "c2lnbmVk" * 500, "index": 0}
CALL = {
    "id": "c",
    "type": "function",
    "function": {"name": "write", "arguments": f'{{"a": "{LONG}"}}'},
}
FREE = {"id": "c", "type": "custom", "custom": {"name": "patch", "input": LONG}}


@pytest.mark.parametrize(
    "more",
    [
        {"tool_calls": [CALL]},
        {"tool_calls": [FREE]},
        {"reasoning_content": LONG},
        {"reasoning_details": [DETAIL]},
        {"reasoning_details": [{"type": "reasoning.summary", "summary": LONG}, None]},
        {"reasoning_content": LONG, "reasoning_details": [DETAIL]},  # the same, told twice
    ],
)
def test_calls_and_thoughts_that_an_assistants_turn_brings_back_count_once(more):
    turn: Any = {"role": "assistant", "content": None}
    without, whole = (
        most_of_prompt(Call("n", [{"role": "user", "content": "Hi"}, each]))
        for each in (turn, turn | more)
    )
    assert most_tokens(LONG) <= whole - without < 1.1 * most_tokens(LONG)
