"""What a reply says about tokens and money, in every vendor's words, brought to one shape.

docs/usage-forms.md has a line for each form: vendor, field, meaning and source.

Vendors disagree about what a total includes: cached tokens within the prompt's or beside them,
reasoning within the completion's or beside it. `total_tokens` decides wherever the parts can be
read in two ways. One odd detail is left out; the counts that make sense are kept.
"""

from typing import Any

from llmconfig.client.types import NOT_BILLED, Billed, ModelUsage, Usage, UsageDetails
from llmconfig.client.wire.billing_words import reported_cost, service_tier, tier_name
from llmconfig.client.wire.reading import object_of, text_of
from llmconfig.configuration.pricing import GEO_FACTORS
from llmconfig.runtime.records import replace

JSON = dict[str, Any]

MAX_TOKENS = 1_000_000_000
# Whether cached tokens, and whether reasoning, stand beside the totals: OpenAI's way first.
READINGS = ((False, False), (False, True), (True, False), (True, True))
PERPLEXITY_MARKS = ("citation_tokens", "num_search_queries", "search_context_size")
EMPTY: JSON = {}
NO_DETAILS = UsageDetails()
# What totals stand in, and their details.
TOTALS = frozenset(
    {
        "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details",
        "completion_tokens_details", "cost", "service_tier",
    }
)  # fmt: skip


def billed(reply: JSON) -> Billed:
    """What a whole reply, or one event of a stream, says about its price."""
    counts = reply.get("usage")
    if not isinstance(counts, dict) or not counts:
        # Gemini's own form, or Groq's in the last chunk of a stream
        counts = reply.get("usageMetadata") or object_of(reply.get("x_groq")).get("usage")
        if not isinstance(counts, dict) or not counts:
            named = reply.get("service_tier")
            return Billed(None, None, tier_name(named), names_tier=True) if named else NOT_BILLED
    named = reply.get("service_tier") or counts.get("service_tier") or counts.get("speed")
    return Billed(
        read(counts),
        reported_cost(counts),
        service_tier(reply, counts) if named else "",
        names_tier=isinstance(named, str),
    )


def read(counts: JSON) -> Usage | None:
    """The tokens in disjoint buckets; None where their counts are absent or absurd."""
    if "prompt_tokens" in counts:
        return _chat(counts)
    if "input_tokens" in counts or "output_tokens" in counts:
        includes = "input_tokens_details" in counts or "total_tokens" in counts
        return _responses(counts) if includes else _messages(counts)
    if "promptTokenCount" in counts or "candidatesTokenCount" in counts:
        return _gemini(counts)
    if "inputTokens" in counts or "outputTokens" in counts:
        return _converse(counts)
    # Words that nobody here knows say nothing of the tokens, which aren't 0.
    known = "completion_tokens" in counts or "total_tokens" in counts
    return _chat(counts) if known else None


# OpenAI's form, with each vendor's own names for its parts


def _chat(counts: JSON) -> Usage | None:
    """`prompt_tokens`, `completion_tokens` and their details."""
    totals = _totals(counts)
    if totals is None:
        return None
    prompt, completion, total = totals
    prompts = _object(counts, "prompt_tokens_details")
    answers = _object(counts, "completion_tokens_details")
    if total == prompt + completion and not _tells_more(counts, prompts, answers):
        return Usage(prompt, 0, 0, completion, 0)
    cached = _largest(
        (prompts, "cached_tokens"),
        (counts, "prompt_cache_hit_tokens"),  # DeepSeek
        (counts, "cached_tokens"),  # Moonshot
        (counts, "num_cached_tokens"),  # Mistral, and under its details' other name
        (_object(counts, "prompt_token_details"), "cached_tokens"),
        (counts, "cache_read_input_tokens"),  # Claude behind a proxy
        (counts, "cached_prompt_text_tokens"),  # xAI
    )
    written = _largest(
        (prompts, "cache_write_tokens"),
        (prompts, "cache_creation_tokens"),
        (prompts, "cache_creation_input_tokens"),  # Alibaba
        (counts, "cache_creation_input_tokens"),
    )
    thought = _largest((answers, "reasoning_tokens"), (counts, "reasoning_tokens"))
    beside = "reasoning_tokens" in counts and any(name in counts for name in PERPLEXITY_MARKS)
    fresh, shown, thought, unsaid = _split(
        prompt, cached + written, completion, thought, total, beside=beside
    )
    seconds = _count(counts, "prompt_audio_seconds") or 0  # Mistral
    if seconds:
        fresh += unsaid  # its audio tokens stand in the total alone
    else:
        thought += unsaid  # so do Gemini's thoughts
    details = _details(prompts, answers, fresh, cached, shown)
    if seconds:
        audio = unsaid or (details.audio_input if details is not None else 0)
        details = replace(details or NO_DETAILS, audio_seconds=seconds, audio_input=audio)
    if "cache_creation" in prompts:
        counts = {**counts, "cache_creation": prompts["cache_creation"]}
    return Usage(fresh, cached, written, shown, thought, _tools(counts, written, details))


def _tells_more(counts: JSON, prompts: JSON, answers: JSON) -> bool:
    """Whether anything but the totals is above 0."""
    for parts in (prompts, answers):
        for value in parts.values():
            if value:
                return True
    for name, value in counts.items():  # noqa: SIM110 - `any` takes three times as long
        if value and name not in TOTALS:
            return True
    return False


def _tools(counts: JSON, written: int, details: UsageDetails | None) -> UsageDetails | None:
    """With cache writes that last an hour, and searches."""
    hour = _count(_object(counts, "cache_creation"), "ephemeral_1h_input_tokens") or 0
    searches = _largest(
        (_object(counts, "server_tool_use"), "web_search_requests"),  # Anthropic, OpenRouter
        (counts, "num_search_queries"),  # Perplexity
    )
    if not hour and not searches:
        return details
    return replace(details or NO_DETAILS, cache_write_1h=min(hour, written), web_searches=searches)


def _totals(counts: JSON) -> tuple[int, int, int] | None:
    """Prompt, completion and total, of which one may be left out or be nonsense."""
    prompt, completion = _count(counts, "prompt_tokens"), _count(counts, "completion_tokens")
    total = _count(counts, "total_tokens")
    if completion is None and "completion_tokens" not in counts:
        completion = 0  # as of embeddings
    if prompt is None and total is not None and completion is not None:
        prompt = total - completion
    elif completion is None and total is not None and prompt is not None:
        completion = total - prompt
    elif prompt is None and "prompt_tokens" not in counts:
        prompt = 0
    if prompt is None or completion is None or prompt < 0 or completion < 0:
        return None
    return prompt, completion, total or 0


def _split(
    prompt: int, stored: int, completion: int, thought: int, total: int, *, beside: bool
) -> tuple[int, int, int, int]:
    """Fresh prompt tokens, shown and thought answer tokens, and those that only the total has.

    `stored` are read from or written to a cache. `beside`: reasoning is never included, and the
    total leaves it out.
    """
    if not stored and not thought and total <= prompt + completion:
        return prompt, completion, 0, 0
    stored_beside, thought_beside = stored > prompt, beside or thought > completion
    if total and not beside:
        for more_stored, more_thought in READINGS:
            if (stored_beside and not more_stored) or (thought > completion and not more_thought):
                continue
            if prompt + stored * more_stored + completion + thought * more_thought == total:
                stored_beside, thought_beside = more_stored, more_thought
                break
        else:
            if thought > completion and total == prompt + completion + stored * stored_beside:
                # It leaves no room for more: all of the answer was reasoning.
                thought, thought_beside = completion, False
            elif total >= prompt + completion + thought + stored * stored_beside:
                thought_beside = True
    fresh = prompt if stored_beside else prompt - stored
    shown = completion if thought_beside else completion - thought
    unsaid = 0 if beside else max(total - fresh - stored - shown - thought, 0)
    return fresh, shown, thought, unsaid


def _responses(counts: JSON) -> Usage | None:
    """`input_tokens` and `output_tokens` that include their details, as in OpenAI's Responses."""
    renamed = {
        **counts,
        "prompt_tokens": counts.get("input_tokens", 0),
        "completion_tokens": counts.get("output_tokens", 0),
        "prompt_tokens_details": counts.get("input_tokens_details"),
        "completion_tokens_details": counts.get("output_tokens_details"),
    }
    return _chat(renamed)


def _details(
    prompts: JSON, answers: JSON, fresh: int, cached: int, shown: int
) -> UsageDetails | None:
    """Audio and pictures, none of them more than its bucket holds."""
    audio, image = _count(prompts, "audio_tokens") or 0, _count(prompts, "image_tokens") or 0
    spoken, drawn = _count(answers, "audio_tokens") or 0, _count(answers, "image_tokens") or 0
    if not (audio or image or spoken or drawn):
        return None
    stored = _object(prompts, "cached_tokens_details")
    audio_cached = min(_count(stored, "audio_tokens") or 0, cached, audio)
    image_cached = min(_count(stored, "image_tokens") or 0, cached - audio_cached, image)
    audio_input = min(audio - audio_cached, fresh)
    audio_output = min(spoken, shown)
    return UsageDetails(
        audio_input=audio_input,
        audio_cached=audio_cached,
        audio_output=audio_output,
        image_input=min(image - image_cached, fresh - audio_input),
        image_cached=image_cached,
        image_output=min(drawn, shown - audio_output),
    )


# Anthropic's form


def _messages(counts: JSON) -> Usage | None:
    """`input_tokens` without what the cache read or wrote, which stands beside it."""
    answered = _iteration(counts)
    if answered is None:
        return None
    beside: list[ModelUsage] = []
    entries = counts.get("iterations")
    for entry in entries if isinstance(entries, list) else ():
        # The totals leave out what summing the conversation up and an advisor took; all other
        # entries are in them.
        kind = entry.get("type") if isinstance(entry, dict) else ""
        if kind == "compaction":
            answered = _sum(answered, _iteration(entry) or Usage())
        elif kind == "advisor_message":
            beside.append(ModelUsage(text_of(entry.get("model")), _iteration(entry) or Usage()))
    region = counts.get("inference_geo")
    if region not in GEO_FACTORS and not beside:
        return answered
    if region in GEO_FACTORS:
        answered = _within(answered, region)
        beside = [ModelUsage(each.model, _within(each.usage, region)) for each in beside]
    details = replace(answered.details or NO_DETAILS, beside=tuple(beside))
    return replace(answered, details=details)


def _within(usage: Usage, region: str) -> Usage:
    """With the region that inference was kept to."""
    return replace(usage, details=replace(usage.details or NO_DETAILS, inference_geo=region))


def _iteration(counts: JSON) -> Usage | None:
    """Anthropic's counts of an answer, or of one of the steps that the server took for it."""
    fresh, output = _bare(counts, "input_tokens"), _bare(counts, "output_tokens")
    if fresh is None or output is None:
        return None
    answers = _object(counts, "output_tokens_details")
    thought = _largest((answers, "thinking_tokens"), (answers, "reasoning_tokens"))
    thought = min(thought, output)
    kinds = _object(counts, "cache_creation")
    by_kind = _largest((kinds, "ephemeral_1h_input_tokens")) + _largest(
        (kinds, "ephemeral_5m_input_tokens")
    )
    written = max(_largest((counts, "cache_creation_input_tokens")), by_kind)
    return Usage(
        input=fresh,
        cached_input=_largest((counts, "cache_read_input_tokens")),
        cache_write=written,
        output=output - thought,
        reasoning=thought,
        details=_tools(counts, written, None),
    )


def _sum(one: Usage, other: Usage) -> Usage:
    """Both; of the details that Anthropic tells, the steps have the cache's hour alone."""
    details = one.details
    hour = other.details.cache_write_1h if other.details is not None else 0
    if hour:
        details = details or NO_DETAILS
        details = replace(details, cache_write_1h=details.cache_write_1h + hour)
    return Usage(
        one.input + other.input,
        one.cached_input + other.cached_input,
        one.cache_write + other.cache_write,
        one.output + other.output,
        one.reasoning + other.reasoning,
        details,
    )


# Bedrock's and Google's own forms, which proxies hand through


def _converse(counts: JSON) -> Usage | None:
    """Bedrock's Converse: `inputTokens` leaves out what the cache read or wrote."""
    fresh, output = _bare(counts, "inputTokens"), _bare(counts, "outputTokens")
    if fresh is None or output is None:
        return None
    written = _largest((counts, "cacheWriteInputTokens"), (counts, "cacheWriteInputTokenCount"))
    hour = _rows(counts, "cacheDetails", "inputTokens", ttl="1h")
    return Usage(
        input=fresh,
        cached_input=_largest(
            (counts, "cacheReadInputTokens"), (counts, "cacheReadInputTokenCount")
        ),
        cache_write=written,
        output=output,
        details=UsageDetails(cache_write_1h=min(hour, written)) if hour and written else None,
    )


def _gemini(counts: JSON) -> Usage | None:
    """`usageMetadata`: the prompt includes cached tokens, the candidates exclude thoughts."""
    prompt, shown = _bare(counts, "promptTokenCount"), _bare(counts, "candidatesTokenCount")
    if prompt is None or shown is None:
        return None
    prompt += _largest((counts, "toolUsePromptTokenCount"))
    cached = min(_largest((counts, "cachedContentTokenCount")), prompt)
    thought = _largest((counts, "thoughtsTokenCount"))
    thought += max((_count(counts, "totalTokenCount") or 0) - prompt - shown - thought, 0)
    fresh, total = prompt - cached, "tokenCount"
    heard = _rows(counts, "promptTokensDetails", total, modality="AUDIO")
    heard_cached = min(_rows(counts, "cacheTokensDetails", total, modality="AUDIO"), cached)
    audio_input = min(max(heard - heard_cached, 0), fresh)
    audio_output = min(_rows(counts, "candidatesTokensDetails", total, modality="AUDIO"), shown)
    seen = _rows(counts, "promptTokensDetails", total, modality="IMAGE")
    drawn = _rows(counts, "candidatesTokensDetails", total, modality="IMAGE")
    details = UsageDetails(
        audio_input=audio_input,
        audio_cached=heard_cached,
        audio_output=audio_output,
        image_input=min(seen, fresh - audio_input),
        image_output=min(drawn, shown - audio_output),
    )
    return Usage(fresh, cached, 0, shown, thought, None if details == NO_DETAILS else details)


def _rows(counts: JSON, name: str, field: str, **marked: str) -> int:
    """The sum of a field over the rows that are marked so."""
    rows = counts.get(name)
    (mark, value), *_ = marked.items()
    return sum(
        _count(row, field) or 0
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and row.get(mark) == value
    )


# Reading, trusting nothing


def _object(counts: JSON, name: str) -> JSON:
    value = counts.get(name)
    return value if isinstance(value, dict) else EMPTY


def _count(counts: JSON, name: str) -> int | None:
    """A number of tokens; None for what can't be one."""
    value = counts.get(name)
    if type(value) is int:
        return value if 0 <= value <= MAX_TOKENS else None
    if type(value) is float and value.is_integer() and 0 <= value <= MAX_TOKENS:
        return int(value)
    return None


def _bare(counts: JSON, name: str) -> int | None:
    """The same, 0 where it isn't mentioned."""
    return _count(counts, name) if name in counts else 0


def _largest(*places: tuple[JSON, str]) -> int:
    """The largest of these: where a vendor has two names for a thing, one may be 0."""
    largest = 0
    for counts, name in places:
        value = counts.get(name)
        if value:
            largest = max(largest, _count(counts, name) or 0)
    return largest
