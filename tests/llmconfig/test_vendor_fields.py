"""Every field that OpenAI's and Anthropic's SDKs know of a request: kept, translated, named as
dropped, or refused by name. None is lost without a word, whatever wire the target speaks.

The tables name each field of the installed SDKs' types, so a new one fails here until somebody has
decided what becomes of it.
"""

from contextlib import ExitStack
from typing import Any

import pytest
from anthropic.types.beta.message_create_params import MessageCreateParamsBase
from openai.types.beta.response_create_params import ResponseCreateParamsBase
from openai.types.chat.completion_create_params import CompletionCreateParamsBase

from llmconfig import client as llm_client
from llmconfig.gateway.access import Caller
from llmconfig.gateway.anthropic_requests import read_messages
from llmconfig.gateway.refusals import RequestRefused
from llmconfig.runtime.records import replace
from metrics.models import GenerationMetric
from tests.llmconfig.test_responses import whole as chat_answer
from tests.llmconfig.test_responses_wire import whole as response_answer
from tests.loopback import JSON, Loopback, loopback

WIRES = {"openai": "custom", "anthropic": "anthropic", "responses": "openai_responses"}
MESSAGE = {"id": "m", "type": "message", "role": "assistant", "stop_reason": "end_turn"}
USED = {"input_tokens": 5, "output_tokens": 2}
ANSWERS: dict[str, JSON] = {
    "openai": chat_answer("stop", content="Fine."),
    "anthropic": MESSAGE | {"content": [{"type": "text", "text": "Fine."}], "usage": USED},
    "responses": response_answer(),
}
POINT = {"mode": "explicit"}
PARAMETERS = {"type": "object", "properties": {}}
PICTURE = {"type": "base64", "media_type": "image/png", "data": "AAAA"}

CHAT: JSON = {
    "model": "x",
    "messages": [
        {"role": "system", "content": "Rules.", "name": "boss"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Hi", "prompt_cache_breakpoint": POINT},
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/png;base64,AAAA", "detail": "high"},
                },
            ],
        },
    ],
    "frequency_penalty": 0.1,
    "logit_bias": {"5": 1},
    "logprobs": True,
    "max_completion_tokens": 9,
    "max_tokens": 9,
    "metadata": {"run": "7"},
    "modalities": ["text"],
    "moderation": {"model": "omni-moderation-latest"},
    "n": 1,
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "Fine."},
    "presence_penalty": 0.1,
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "explicit"},
    "prompt_cache_retention": "24h",
    "reasoning_effort": "low",
    "response_format": {"type": "json_object"},
    "safety_identifier": "who",
    "seed": 7,
    "service_tier": "flex",
    "stop": ["END"],
    "store": True,
    "temperature": 0.5,
    "tool_choice": {
        "type": "allowed_tools",
        "allowed_tools": {
            "mode": "required",
            "tools": [{"type": "function", "function": {"name": "one"}}],
        },
    },
    "tools": [
        {"type": "function", "function": {"name": each, "parameters": PARAMETERS}}
        for each in ("one", "two")
    ],
    "top_logprobs": 2,
    "top_p": 0.9,
    "user": "who",
    "verbosity": "low",
    "web_search_options": {},
}
RESPONSE: JSON = {
    "model": "x",
    "input": [
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "Hi", "prompt_cache_breakpoint": POINT}],
        },
        {"role": "assistant", "content": "Hm.", "phase": "commentary"},
        {"role": "user", "content": "And?"},
    ],
    "access_programs": {"cyber": "standard"},
    "background_options": {"completion_window": "1h"},
    "context_management": [{"type": "compaction", "compact_threshold": 9000}],
    "include": ["reasoning.encrypted_content"],
    "instructions": "Rules.",
    "max_output_tokens": 9,
    "max_tool_calls": 3,
    "metadata": {"run": "7"},
    "multi_agent": {"enabled": True},
    "parallel_tool_calls": False,
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "explicit"},
    "prompt_cache_retention": "24h",
    "reasoning": {"effort": "low", "summary": "auto", "context": "all_turns", "mode": "pro"},
    "safety_identifier": "who",
    "service_tier": "flex",
    "store": False,
    "temperature": 0.5,
    "text": {"verbosity": "low", "format": {"type": "json_object"}},
    "tool_choice": "required",
    "tools": [
        {"type": "function", "name": "one", "parameters": PARAMETERS, "defer_loading": True},
    ],
    "top_logprobs": 2,
    "top_p": 0.9,
    "truncation": "auto",
    "user": "who",
}
MESSAGES: JSON = {
    "model": "x",
    "max_tokens": 9,
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Hi"},
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "Rules."},
                    "context": "from the kennel",
                    "citations": {"enabled": True},
                },
                {"type": "image", "source": PICTURE},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "t1", "name": "one", "input": {}, "caller": POINT}
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]},
        {"role": "system", "content": "Be short.", "clear_at": "next_turn"},
        {"role": "user", "content": "And?"},
    ],
    "billing_policy": {"type": "billing_policy", "bill_to": "self"},
    "cache_control": {"type": "ephemeral"},
    "compaction": {"type": "enabled"},
    "container": "c_1",
    "context_management": {"edits": []},
    "diagnostics": {"previous_message_id": "m"},
    "fallback_credit_token": "t",
    "fallbacks": [{"model": "claude-opus-5"}],
    "inference_geo": "eu",
    "mcp_servers": [{"type": "url", "url": "https://mcp.example.com", "name": "m"}],
    "metadata": {"user_id": "who"},
    "output_config": {"effort": "low", "task_budget": {"type": "tokens", "total": 20000}},
    "service_tier": "auto",
    "speed": "fast",
    "stop_sequences": ["END"],
    "system": "Rules.",
    "temperature": 0.5,
    "thinking": {"type": "adaptive"},
    "tool_choice": {"type": "any"},
    "tools": [{"name": "one", "input_schema": PARAMETERS, "input_examples": [{}]}],
    "top_k": 5,
    "top_p": 0.9,
}
REQUESTS = {"chat": CHAT, "responses": RESPONSE, "messages": MESSAGES}
PATHS = {"chat": "/chat/completions", "responses": "/responses", "messages": "/messages"}

REFUSED: dict[str, JSON] = {
    "chat": {
        "audio": {"voice": "alloy", "format": "wav"},
        "fallbacks": ["gpt-4o"],
        "models": ["gpt-4o"],
        "provider": {"order": ["openai"]},
        "route": "fallback",
    },
    "responses": {
        "background": True,
        "conversation": "conv_1",
        "image": {"context_compression": "auto"},
        "moderation": {"model": "omni-moderation-latest"},
        "previous_response_id": "resp_1",
        "prompt": {"id": "pmpt_1"},
    },
    "messages": {"thread": {"type": "create"}},
}
# Sent as headers, or shown by other tests.
ELSEWHERE = {
    "betas", "workspace_id", "user_profile_id", "functions", "function_call", "stream_options"
}  # fmt: skip
TYPES = {
    "chat": CompletionCreateParamsBase,
    "responses": ResponseCreateParamsBase,
    "messages": MessageCreateParamsBase,
}

# What no wire but a request's own has a place for, by the wire of the target.
TRANSLATED = {"access_programs", "background_options", "context_management", "input.phase",
              "multi_agent", "reasoning.context", "reasoning.mode", "tools.defer_loading",
              "truncation"}  # fmt: skip
OF_MESSAGES = {"billing_policy", "cache_control", "citations", "compaction", "container",
               "context_management", "diagnostics", "fallback_credit_token", "fallbacks",
               "inference_geo", "mcp_servers", "messages.clear_at", "messages.document.context",
               "messages.tool_use.caller", "output_config.task_budget", "speed", "thinking",
               "tools.input_examples"}  # fmt: skip
CACHING = {"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"}
SAMPLING = {"temperature", "top_p"}
DROPPED: dict[tuple[str, str], set[str]] = {
    ("chat", "openai"): set(),
    ("chat", "anthropic"): {
        *CACHING, *SAMPLING, "frequency_penalty", "logit_bias", "logprobs",
        "messages.image_url.detail", "messages.name", "messages.prompt_cache_breakpoint",
        "metadata", "modalities", "moderation", "prediction", "presence_penalty", "seed",
        "service_tier", "store", "top_logprobs", "verbosity", "web_search_options",
    },
    ("chat", "responses"): {
        "frequency_penalty", "logit_bias", "messages.name", "modalities", "moderation",
        "prediction", "presence_penalty", "seed", "stop", "web_search_options",
    },
    ("responses", "openai"): TRANSLATED,
    ("responses", "anthropic"): {
        *TRANSLATED, *CACHING, *SAMPLING, "messages.prompt_cache_breakpoint", "service_tier",
        "verbosity",
    },
    ("responses", "responses"): set(),
    ("messages", "openai"): OF_MESSAGES,
    ("messages", "anthropic"): {"fallbacks", *SAMPLING, "top_k"},
    ("messages", "responses"): {*OF_MESSAGES, "stop", "top_k"},
}  # fmt: skip
FUNCTION = {"name": "one", "parameters": PARAMETERS}
ONE = {"type": "function", "function": FUNCTION}
# The pairs where a request meets the wire that it was written for.
OWN = {("chat", "openai"), ("responses", "responses"), ("messages", "anthropic")}
# What of a request stands in another place, or is said otherwise, in the target's words.
MOVED: dict[tuple[str, str], JSON] = {
    ("chat", "openai"): {"tools": [ONE], "tool_choice": "required"},
    ("chat", "anthropic"): {
        "tools": [{"name": "one", "input_schema": PARAMETERS}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "output_config": {"effort": "low"},
        "metadata": {"user_id": "who"},
        "stop_sequences": ["END"],
        "max_tokens": 9,
    },
    ("chat", "responses"): {
        "tool_choice": {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "one"}],
        },
        "include": ["message.output_text.logprobs"],
        "reasoning": {"effort": "low"},
        "text": {"verbosity": "low", "format": {"type": "json_object"}},
        "prompt_cache_options": {"mode": "explicit"},
        "max_output_tokens": 9,
    },
    ("responses", "openai"): {
        "tools": [ONE],
        "reasoning_effort": "low",
        "verbosity": "low",
        "response_format": {"type": "json_object"},
        "prompt_cache_options": {"mode": "explicit"},
        "max_tokens": 9,
    },
    ("responses", "anthropic"): {
        "tools": [{"name": "one", "input_schema": PARAMETERS}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "output_config": {"effort": "low"},
        "metadata": {"user_id": "who"},
    },
    ("messages", "openai"): {
        "tools": [ONE], "tool_choice": "required", "stop": ["END"], "user": "who",
        "reasoning_effort": "low", "top_k": 5, "max_tokens": 9,
    },
    ("messages", "responses"): {
        "tools": [{"type": "function", "strict": False, **FUNCTION}],
        "tool_choice": "required", "user": "who", "reasoning": {"effort": "low"},
        "max_output_tokens": 9,
    },
}  # fmt: skip


@pytest.fixture
def serve(make_provider, make_node):
    """Start a provider of a wire behind the node `tag_rows`."""
    with ExitStack() as stack:

        def start(wire: str) -> Loopback:
            served = stack.enter_context(loopback(lambda _: (200, ANSWERS[wire])))
            make_provider("p", WIRES[wire], model_id="m", api_base_url=served.url, price=None)
            make_node("p/m")
            return served

        yield start


def post(endpoint: str, body: JSON) -> Any:
    http = llm_client.get_llm("tag_rows").openai()._client
    return http.post(f"http://in-process/v1{PATHS[endpoint]}", json=body)


@pytest.mark.parametrize("endpoint", TYPES)
def test_each_field_that_the_sdks_know_is_decided_on(endpoint):
    known = {*REQUESTS[endpoint], *REFUSED[endpoint], *ELSEWHERE}
    assert not set(TYPES[endpoint].__annotations__) - known


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("endpoint", "wire"), DROPPED)
def test_no_field_is_lost_without_a_word(serve, endpoint, wire):
    served, asked = serve(wire), REQUESTS[endpoint]
    reply = post(endpoint, asked)
    assert reply.status_code == 200, reply.text
    dropped = GenerationMetric.objects.latest("created_at").dropped_params
    assert sorted(dropped) == sorted(DROPPED[endpoint, wire])
    (sent,) = served.bodies
    moved = MOVED.get((endpoint, wire), {})
    assert {name: sent.get(name) for name in moved} == moved
    if (endpoint, wire) in OWN:  # the rest travels as it came
        ours = {"model", "max_tokens", "max_completion_tokens", "n", *dropped, *moved}
        ours |= {"metadata"} if endpoint == "responses" else set()  # kept with the response
        assert {k: v for k, v in asked.items() if k not in ours}.items() <= sent.items()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("endpoint", REFUSED)
def test_what_is_not_offered_is_refused_by_name(serve, endpoint):
    served = serve("openai")
    for name, value in REFUSED[endpoint].items():
        reply = post(endpoint, REQUESTS[endpoint] | {name: value})
        assert reply.status_code == 400, reply.text
        assert name in str(reply.json()["error"])
    assert not served.bodies


def test_a_key_for_some_names_lends_claude_no_other_model():
    advisor = {"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-5"}
    caller = Caller(None, None, everything=False, names=frozenset({"small"}))
    with pytest.raises(RequestRefused) as refused:
        read_messages(MESSAGES | {"tools": [advisor]}, caller)
    assert refused.value.param == "tools[0].model"
    assert read_messages(MESSAGES | {"tools": [advisor]}, replace(caller, everything=True))
