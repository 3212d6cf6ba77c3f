"""A line for each form in docs/usage-forms.md: what a vendor sends, and what it means."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmconfig.client.types import ModelUsage, Usage, UsageDetails
from llmconfig.client.wire.anthropic import AnthropicWire
from llmconfig.client.wire.responses_answers import read_response
from llmconfig.client.wire.running_usage import merged
from llmconfig.client.wire.usage import billed

DOCUMENT = Path(__file__).parents[2] / "docs" / "usage-forms.md"


def details(**parts):
    return UsageDetails(**parts)


def chat(prompt, completion, total=None, prompts=None, answers=None, **more):
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, **more}
    if total is not None:
        counts["total_tokens"] = total
    if prompts is not None:
        counts["prompt_tokens_details"] = prompts
    if answers is not None:
        counts["completion_tokens_details"] = answers
    return counts


# The form's name in the document: what is sent, and its buckets.
FORMS = {
    "plain": (chat(312, 47, 359), Usage(312, 0, 0, 47, 0)),
    "openai-cached": (
        chat(4211, 120, 4331, {"cached_tokens": 3968, "audio_tokens": 0}, {"reasoning_tokens": 64}),
        Usage(243, 3968, 0, 56, 64),
    ),
    "openai-cache-write": (
        chat(2100, 9, 2109, {"cached_tokens": 512, "cache_write_tokens": 1024}),
        Usage(564, 512, 1024, 9, 0),
    ),
    "openai-audio": (
        chat(
            620,
            230,
            850,
            {"audio_tokens": 500, "cached_tokens": 128,
             "cached_tokens_details": {"audio_tokens": 100}},
            {"audio_tokens": 180, "reasoning_tokens": 0},
        ),
        Usage(492, 128, 0, 230, 0, details(audio_input=400, audio_cached=100, audio_output=180)),
    ),
    "openai-responses": (
        {"input_tokens": 900, "output_tokens": 80, "total_tokens": 980,
         "input_tokens_details": {"cached_tokens": 640},
         "output_tokens_details": {"reasoning_tokens": 30}},
        Usage(260, 640, 0, 50, 30),
    ),
    "embeddings": ({"prompt_tokens": 77, "total_tokens": 77}, Usage(77)),
    "azure-grok": (
        chat(10, 7, 178, {"cached_tokens": 161, "text_tokens": 171}), Usage(10, 161, 0, 7, 0),
    ),
    "xai-reasoning": (
        chat(41, 9, 377, {"cached_tokens": 4, "image_tokens": 0}, {"reasoning_tokens": 327}),
        Usage(37, 4, 0, 9, 327),
    ),
    "xai-image": (
        chat(1500, 20, 1520, {"image_tokens": 1200, "cached_tokens": 0}),
        Usage(1500, 0, 0, 20, 0, details(image_input=1200)),
    ),
    "perplexity": (
        chat(19, 498, 517, citation_tokens=10175, num_search_queries=48, reasoning_tokens=95305),
        Usage(19, 0, 0, 498, 95305, details(web_searches=48)),
    ),
    "mistral-cached": (
        chat(100, 10, 110, num_cached_tokens=64, prompt_token_details={"cached_tokens": 64}),
        Usage(36, 64, 0, 10, 0),
    ),
    "alibaba-cache-write": (
        chat(1506, 53, 1559, {"cached_tokens": 256, "cache_creation_input_tokens": 1024,
                              "cache_creation": {"ephemeral_5m_input_tokens": 1024},
                              "cache_type": "ephemeral"}),
        Usage(226, 256, 1024, 53, 0),
    ),
    "unknown-words": ({"billed_units": {"input_tokens": 5}, "tokens": {"input_tokens": 71}}, None),
    "gemini-openai": (chat(66, 6, 100), Usage(66, 0, 0, 6, 28)),
    "gemini-openai-thoughts": (
        chat(21, 0, 81, answers={"reasoning_tokens": 60}), Usage(21, 0, 0, 0, 60),
    ),
    "gemini-native": (
        {"promptTokenCount": 820, "cachedContentTokenCount": 512, "candidatesTokenCount": 33,
         "thoughtsTokenCount": 90, "toolUsePromptTokenCount": 40, "totalTokenCount": 983,
         "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 600},
                                 {"modality": "AUDIO", "tokenCount": 220}]},
        Usage(348, 512, 0, 33, 90, details(audio_input=220)),
    ),
    "deepseek": (
        chat(1400, 25, 1425, prompt_cache_hit_tokens=1280, prompt_cache_miss_tokens=120),
        Usage(120, 1280, 0, 25, 0),
    ),
    "moonshot": (chat(640, 12, 652, cached_tokens=512), Usage(128, 512, 0, 12, 0)),
    "mistral-audio": (
        chat(7, 298, 3276, prompt_audio_seconds=203),
        Usage(2978, 0, 0, 298, 0, details(audio_seconds=203, audio_input=2971)),
    ),
    "anthropic": (
        {"input_tokens": 31, "cache_read_input_tokens": 2048, "cache_creation_input_tokens": 300,
         "output_tokens": 77, "output_tokens_details": {"thinking_tokens": 50}},
        Usage(31, 2048, 300, 27, 50),
    ),
    "anthropic-hour": (
        {"input_tokens": 3, "cache_creation_input_tokens": 700, "output_tokens": 5,
         "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 500}},
        Usage(3, 0, 700, 5, 0, details(cache_write_1h=500)),
    ),
    "anthropic-search": (
        {"input_tokens": 9000, "output_tokens": 400,
         "server_tool_use": {"web_search_requests": 10}},
        Usage(9000, 0, 0, 400, 0, details(web_searches=10)),
    ),
    "anthropic-compaction": (
        {"input_tokens": 400, "cache_read_input_tokens": 20_000, "output_tokens": 1000,
         "iterations": [
             {"type": "compaction", "input_tokens": 600, "cache_read_input_tokens": 180_000,
              "cache_creation_input_tokens": 50, "output_tokens": 3500,
              "cache_creation": {"ephemeral_1h_input_tokens": 50}},
             {"type": "message", "input_tokens": 400, "cache_read_input_tokens": 20_000,
              "cache_creation_input_tokens": 0, "output_tokens": 1000},
             "odd", {"type": "compaction", "input_tokens": "odd"},
         ]},
        Usage(1000, 200_000, 50, 4500, 0, details(cache_write_1h=50)),
    ),
    "anthropic-advisor": (
        {"input_tokens": 412, "output_tokens": 531, "cache_read_input_tokens": 0,
         "iterations": [
             {"type": "message", "input_tokens": 412, "output_tokens": 89},
             {"type": "advisor_message", "model": "claude-opus-4-6", "input_tokens": 823,
              "cache_read_input_tokens": 5, "cache_creation_input_tokens": 7,
              "output_tokens": 1612},
             {"type": "message", "input_tokens": 1348, "output_tokens": 442},
         ]},
        Usage(412, 0, 0, 531, 0, details(
            beside=(ModelUsage("claude-opus-4-6", Usage(823, 5, 7, 1612, 0)),))),
    ),
    "anthropic-region": (
        {"input_tokens": 25, "output_tokens": 150, "inference_geo": "us"},
        Usage(25, 0, 0, 150, 0, details(inference_geo="us")),
    ),
    "anthropic-any-region": (
        {"input_tokens": 25, "output_tokens": 150, "inference_geo": "not_available"},
        Usage(25, 0, 0, 150, 0),
    ),
    "claude-openai-shape": (
        chat(60, 11, 4167, {"cached_tokens": 4096}), Usage(60, 4096, 0, 11, 0),
    ),
    "claude-proxy": (
        chat(5200, 40, 5240, cache_read_input_tokens=5000, cache_creation_input_tokens=150),
        Usage(50, 5000, 150, 40, 0),
    ),
    "bedrock-converse": (
        {"inputTokens": 12, "outputTokens": 34, "totalTokens": 546, "cacheReadInputTokens": 400,
         "cacheWriteInputTokens": 100, "cacheDetails": [{"ttl": "1h", "inputTokens": 60}]},
        Usage(12, 400, 100, 34, 0, details(cache_write_1h=60)),
    ),
    "vertex-claude": (
        {"input_tokens": 8, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 0,
         "output_tokens": 3},
        Usage(8, 1000, 0, 3, 0),
    ),
    "null-part": (chat(None, 6, 40), Usage(34, 0, 0, 6, 0)),
    "odd-part": (
        chat(50, 5, 55, {"cached_tokens": -1}, {"reasoning_tokens": "4"}), Usage(50, 0, 0, 5, 0),
    ),
    "float-part": (chat(50.0, 5, 55, {"cached_tokens": 20.0}), Usage(30, 20, 0, 5, 0)),
}  # fmt: skip
COSTS = {
    "openrouter-cost": ({"cost": 0.00421}, "0.00421"),
    "openrouter-own-key": (
        {"cost": 0.0012, "is_byok": True,
         "cost_details": {"upstream_inference_cost": 0.024}}, "0.0252",
    ),
    "openrouter-upstream": (
        {"cost": 0.02, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.02}}, "0.02",
    ),
    "openrouter-old": ({"cost": 0.95, "cost_details": {"upstream_inference_cost": 19}}, "19.95"),
    "openrouter-fee-only": ({"cost": 0, "is_byok": True}, None),
    "perplexity-cost": (
        {"cost": {"input_tokens_cost": 0.00002, "output_tokens_cost": 0.00005,
                  "request_cost": 0.005, "total_cost": 0.00507}}, "0.00507",
    ),
    "xai-ticks": ({"cost_in_usd_ticks": 37_756_000}, "0.0037756"),
    "deepinfra-cost": ({"estimated_cost": 0.00000268}, "0.00000268"),
    "free": ({"cost": 0, "is_byok": False}, "0"),
    "odd-cost": ({"cost": "0.1"}, None),
}  # fmt: skip
TIERS = {
    "openai-tier": ({"service_tier": "priority", "usage": chat(1, 1, 2)}, "priority"),
    "openai-default": ({"service_tier": "default", "usage": chat(1, 1, 2)}, ""),
    "groq-tier": ({"service_tier": "on_demand", "usage": chat(1, 1, 2)}, ""),
    "anthropic-tier": (
        {"usage": {"input_tokens": 1, "output_tokens": 1, "service_tier": "batch"}}, "batch",
    ),
    "anthropic-fast": (
        {"usage": {"input_tokens": 1, "output_tokens": 1, "service_tier": "standard",
                   "speed": "fast"}}, "fast",
    ),
}  # fmt: skip


# Where a Responses' tools are told beside its usage: the reply, searches and drawn tokens.
SEARCH = {"type": "web_search_call", "action": {"type": "search", "queries": ["dogs"]}}
PAGE = {"type": "web_search_call", "action": {"type": "open_page", "url": "https://a.example"}}
DRAWN = {"input_tokens": 50, "output_tokens": 1056, "total_tokens": 1106,
         "input_tokens_details": {"image_tokens": 0, "text_tokens": 50}}  # fmt: skip
TOOLS = [
    ({"output": [SEARCH, PAGE, SEARCH]}, 2, ()),
    ({"output": [SEARCH, SEARCH], "tool_usage": {"web_search": {"num_requests": 1}}}, 1, ()),
    ({"output": [], "tool_usage": {"web_search": {"num_requests": 0}, "image_gen": DRAWN}},
     0, (ModelUsage("image_generation", Usage(50, output=1056)),)),
    ({"output": [PAGE], "tool_usage": {"web_search": {"num_requests": -1}}}, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "searches", "beside"), TOOLS)
def test_openais_own_tools_are_told_beside_the_usage(reply, searches, beside):
    """`openai-tools` in the document."""
    usage = read_response({"usage": FORMS["openai-responses"][0], **reply}).usage
    known = None if searches is None else details(web_searches=searches, beside=beside)
    assert usage.details == known


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_read_into_disjoint_buckets(form):
    counts, usage = FORMS[form]
    name = "usageMetadata" if "promptTokenCount" in counts else "usage"
    assert billed({name: counts}).usage == usage


@pytest.mark.parametrize("form", COSTS)
def test_a_reported_cost_is_what_the_caller_pays_in_all(form):
    told, dollars = COSTS[form]
    cost = billed({"usage": chat(100, 10, 110) | told}).cost_usd
    assert cost == (None if dollars is None else Decimal(dollars))


@pytest.mark.parametrize("form", TIERS)
def test_the_reply_names_the_tier(form):
    reply, tier = TIERS[form]
    assert billed(reply).service_tier == tier


def test_every_form_has_its_line_in_the_document():
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    documented = {row.split("`")[1] for row in rows}
    assert documented == {*FORMS, *COSTS, *TIERS, "openai-tools"}


@pytest.mark.parametrize(
    "counts",
    [chat(None, 5), chat(-3, 5), chat("many", 5), {"input_tokens": -1, "output_tokens": 2},
     {"promptTokenCount": True}, {"inputTokens": None, "outputTokens": 5}, chat(10**12, 1)],
)  # fmt: skip
def test_counts_that_cannot_be_true_are_unknown(counts):
    name = "usageMetadata" if "promptTokenCount" in counts else "usage"
    assert billed({name: counts}).usage is None


numbers = st.integers(0, 10**6)


@given(numbers, numbers, numbers, numbers, st.booleans(), st.booleans())
def test_the_total_decides_what_stands_beside_what(
    fresh, cached, shown, thought, cached_beside, thought_beside
):
    """Whichever way a vendor counts, its own total says so, and no token is lost or paid twice."""
    total = fresh + cached + shown + thought
    prompt = fresh if cached_beside else fresh + cached
    completion = shown if thought_beside else shown + thought
    counts = chat(
        prompt, completion, total, {"cached_tokens": cached}, {"reasoning_tokens": thought}
    )
    usage = billed({"usage": counts}).usage
    assert usage is not None
    assert usage.tokens_input + usage.tokens_output == total
    if cached != thought:  # else two readings have one total
        assert (usage.cached_input, usage.reasoning) == (cached, thought)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "prompt_tokens",
                "completion_tokens",
                "total_tokens",
                "prompt_tokens_details",
                "completion_tokens_details",
                "cached_tokens",
                "reasoning_tokens",
                "input_tokens",
                "output_tokens",
                "cache_creation",
                "iterations",
                "cost",
                "prompt_audio_seconds",
                "inputTokens",
            ]
        ),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-5, 10**10),
            st.floats(),
            st.text(max_size=3),
            st.lists(st.integers(), max_size=2),
            st.dictionaries(
                st.sampled_from(
                    [
                        "cached_tokens",
                        "reasoning_tokens",
                        "audio_tokens",
                        "total_cost",
                        "ephemeral_1h_input_tokens",
                    ]
                ),
                st.one_of(st.none(), st.integers(-5, 10**10), st.floats()),
            ),
        ),
    )
)
def test_no_body_breaks_the_reading_and_no_bucket_is_negative(counts):  # fmt: skip
    found = billed({"usage": counts})
    usage = found.usage
    if usage is not None:
        parts = usage.details or UsageDetails()
        buckets = (usage.input, usage.cached_input, usage.cache_write, usage.output,
                   usage.reasoning)  # fmt: skip
        assert min(buckets) >= 0
        assert parts.cache_write_1h <= usage.cache_write
        assert parts.audio_input + parts.image_input <= usage.input
        assert parts.audio_output + parts.image_output <= usage.output
    assert found.cost_usd is None or found.cost_usd >= 0


def test_a_stream_that_tells_its_counts_in_pieces_forgets_none():
    """A server of Anthropic's shape that says 0 at the start and the truth at the end, or so."""
    listener = AnthropicWire().listener()
    start = {"input_tokens": 25, "output_tokens": 1, "service_tier": "priority",
             "cache_creation": {"ephemeral_1h_input_tokens": 4},
             "cache_creation_input_tokens": 4}  # fmt: skip
    listener.feed({"type": "message_start", "message": {"usage": start}})
    end = {"input_tokens": 0, "output_tokens": 9, "server_tool_use": {"web_search_requests": 2}}
    listener.feed({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": end})
    assert listener.billed.usage == Usage(25, 0, 4, 9, 0, details(cache_write_1h=4, web_searches=2))
    assert listener.billed.service_tier == "priority"
    summary = {"type": "compaction", "input_tokens": 100, "output_tokens": 3}
    usage = {"output_tokens": 9, "iterations": [summary, {"type": "message", "input_tokens": 25}]}
    listener.feed({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage})
    assert listener.billed.usage.tokens_input == 25 + 4 + 100
    assert merged({"output_tokens": 5}, None) == {"output_tokens": 5}
