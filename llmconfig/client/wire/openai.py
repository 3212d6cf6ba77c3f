"""OpenAI's chat completions, and the many servers that speak them."""

from collections.abc import Sequence

import orjson

from llmconfig.client.records import NO_USAGE, Message, Usage
from llmconfig.client.wire import JSON, BadReply, Body, Question, Refusal, Reply
from llmconfig.client.wire.reading import (
    count,
    disjoint,
    dollars,
    object_of,
    optional_count,
    text_of,
)
from llmconfig.models import ProviderType
from llmconfig.secrets import Secret
from llmconfig.snapshot import ProviderFacts

DEFAULT_AZURE_VERSION = "2024-10-21"
# Servers that call the limit by its newer name; the others know the older one only.
NEW_LIMIT_NAME = frozenset({ProviderType.OPENAI, ProviderType.AZURE_OPENAI})
# Would make replies that this adapter doesn't read, or is ours to say.
OURS = frozenset({"model", "messages", "stream", "stream_options", "n"})


class OpenAIWire:
    """`/chat/completions`: openai, azure_openai, openrouter, local and custom."""

    def address(self, provider: ProviderFacts, model_id: str) -> str:
        """Azure names the deployment in the path."""
        if provider.provider_type == ProviderType.AZURE_OPENAI:
            version = provider.api_version or DEFAULT_AZURE_VERSION
            return (
                f"{provider.base_url}/openai/deployments/{model_id}/chat/completions"
                f"?api-version={version}"
            )
        return f"{provider.base_url}/chat/completions"

    def headers(self, provider: ProviderFacts, key: Secret | None) -> dict[str, str]:
        """Azure has a header of its own for keys."""
        if key is None:
            return {}
        if provider.provider_type == ProviderType.AZURE_OPENAI:
            return {"api-key": key.reveal()}
        return {"Authorization": f"Bearer {key.reveal()}"}

    def body(self, question: Question) -> Body:
        """The request as these servers take it; `extra` goes along as it is."""
        target = question.target
        kind = target.provider.provider_type
        content: JSON = {"model": target.model_id, "messages": question.messages}
        if target.temperature is not None:
            content["temperature"] = target.temperature
        if target.max_tokens is not None:
            limit = "max_completion_tokens" if kind in NEW_LIMIT_NAME else "max_tokens"
            content[limit] = target.max_tokens
        if question.shape is not None:
            _ask_for_shape(content, question)
        dropped: tuple[str, ...] = ()
        if question.extra:
            dropped = tuple(name for name in question.extra if name in OURS)
            content |= {name: value for name, value in question.extra.items() if name not in OURS}
        return Body(content, dropped)

    def read(self, value: JSON) -> Reply:
        """The first choice."""
        counts = object_of(value.get("usage"))
        usage = _usage(counts) if counts else None
        choices = value.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(message, dict):
            raise BadReply("the reply holds no choice", usage)
        text, tool_calls = text_of(message.get("content")), _tool_calls(message)
        reason = text_of(choice.get("finish_reason"))[:40] or None
        if not text.strip() and not tool_calls:
            if message.get("refusal"):
                reason = "content_filter"
            if reason not in {"length", "content_filter"}:
                raise BadReply("the answer is empty", usage)
        return Reply(
            text=text,
            finish_reason=reason,
            usage=usage or NO_USAGE,
            counted=usage is not None,
            cost_usd=dollars(counts.get("cost")),
            tool_calls=tool_calls,
        )

    def refusal(self, value: JSON) -> Refusal | None:
        """`error`; OpenRouter sends some with status 200 and the real status as their code."""
        error = value.get("error")
        if not error:
            return None
        if not isinstance(error, dict):
            return Refusal(text_of(error), frozenset())
        code = error.get("code")
        codes = {each for each in (code, error.get("type")) if isinstance(each, str)}
        return Refusal(
            message=text_of(error.get("message")),
            codes=frozenset(codes),
            status=code if type(code) is int and 300 <= code <= 599 else None,
        )


def _ask_for_shape(content: JSON, question: Question) -> None:
    shape = question.shape
    assert shape is not None  # noqa: S101 - the caller has looked
    if question.obeys:
        content["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": shape.strict, "schema": shape.schema},
        }
        return
    content["response_format"] = {"type": "json_object"}
    content["messages"] = _with_instruction(question.messages, shape.instruction)


def _with_instruction(messages: Sequence[Message], instruction: str) -> list[Message]:
    """Said in the system message, which many local models only take in first place."""
    first = messages[0] if messages else Message()
    said = first.get("content")
    if first.get("role") == "system" and isinstance(said, str):
        return [Message(role="system", content=f"{said}\n\n{instruction}"), *messages[1:]]
    return [Message(role="system", content=instruction), *messages]


def _usage(counts: JSON) -> Usage | None:
    """OpenAI's prompt tokens include the cached ones, and its completion tokens the reasoning."""
    prompt_details = object_of(counts.get("prompt_tokens_details"))
    completion_details = object_of(counts.get("completion_tokens_details"))
    try:
        return disjoint(
            prompt=count(counts, "prompt_tokens"),
            cached=optional_count(prompt_details, "cached_tokens"),
            cache_write=optional_count(prompt_details, "cache_write_tokens"),
            completion=count(counts, "completion_tokens"),
            reasoning=optional_count(completion_details, "reasoning_tokens"),
        )
    except ValueError:
        return None


def _tool_calls(message: JSON) -> tuple[JSON, ...]:
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return ()
    found = tuple(call for call in calls if isinstance(call, dict))
    return orjson.loads(orjson.dumps(found).replace(b"\\u0000", b"")) if found else ()
