"""Anthropic's wire: addresses, headers, bodies of requests, replies, in both versions of its API.

Requests come in OpenAI's words (roles, tools, stop) and are put into Anthropic's, so that a node
can fall back from one to the other; a request of Anthropic's own clients goes along as it is.
"""

from collections.abc import Sequence
from typing import Any

from llmconfig import provider_types
from llmconfig.client.types import NativeRequest
from llmconfig.client.wire import (
    JSON,
    LIMIT_HOLDERS,
    TOKEN_LIMIT_NAMES,
    Body,
    Embedded,
    Input,
    Question,
    Refusal,
    Reply,
)
from llmconfig.client.wire.anthropic_answers import AnthropicListener, read_message
from llmconfig.client.wire.anthropic_requests import SAMPLING, RequestTranslation
from llmconfig.client.wire.errors import error_in
from llmconfig.client.wire.prompt_cache import EPHEMERAL, MARK, mark_pays
from llmconfig.client.wire.reading import object_of
from llmconfig.client.wire.refused_parameters import OUTPUT_CONFIG
from llmconfig.configuration.facts import ProviderFacts
from llmconfig.secrets import Secret

OLD_VERSION = "2023-06-01"  # takes x-api-key and sampling parameters
DEFAULT_MAX_TOKENS = 4096  # the API demands a limit
FALLBACKS = "fallbacks"  # other models than the configuration, prices and the caller's key name


class AnthropicWire:
    """Anthropic's `/v1/messages`, and providers that speak it."""

    name = "anthropic"
    count_path = "/count_tokens"

    def address(self, provider: ProviderFacts, model_id: str) -> str:
        """The base address may be given with or without /v1."""
        path = provider_types.get(provider.provider_type).chat_path
        return f"{provider.base_url.removesuffix('/v1')}{path}"

    def headers(self, provider: ProviderFacts, key: Secret | None) -> dict[str, str]:
        """The versions differ in how the key is sent."""
        kind = provider_types.get(provider.provider_type)
        version = provider.api_version or kind.default_api_version
        headers = {"anthropic-version": version}
        if key is not None and version == OLD_VERSION:
            headers["x-api-key"] = key.reveal()
        elif key is not None:
            headers["Authorization"] = f"Bearer {key.reveal()}"
        return headers

    def body(self, question: Question) -> Body:
        """The request; what this version doesn't take is dropped and named."""
        if question.native is not None:
            return _native_body(question, question.native)
        target, translation = question.target, RequestTranslation()
        content: JSON = {
            "model": target.model_id,
            "max_tokens": target.max_tokens or _most(question),
            "messages": translation.turns(question.messages),
        }
        system = translation.system(question.messages)
        if system and content["messages"]:
            content["system"] = system
        elif system:  # a chat may be of instructions alone, a message of Claude's is a user's
            content["messages"] = [{"role": "user", "content": system}]
        _ask_for_shape(content, question)
        wanted = dict(question.extra)
        if target.temperature is not None:
            wanted["temperature"] = target.temperature
        translation.carry(content, wanted, sampling=_samples(question))
        if "system" in content:
            if mark_pays(question.prefix, target.model_id):
                content["system"][-1] = {**content["system"][-1], MARK: EPHEMERAL}
            content["system"] = _one_text(content["system"])
        return _without_refused(content, question, tuple(translation.dropped))

    def usual(self, _value: Any) -> Reply | None:
        return None

    def read(self, value: JSON) -> Reply:
        """Text blocks joined; tool uses in OpenAI's shape; thoughts beside them."""
        return read_message(value)

    def own_words(self, native: JSON) -> JSON | None:
        """The whole reply."""
        return native

    def refusal(self, value: Any, *, good: bool = True) -> Refusal | None:
        """`error`, with its finer reason under `details`; proxies in front have other forms."""
        return error_in(value, good=good)

    def streamed(self, content: JSON) -> JSON:
        return {**content, "stream": True}

    def listener(self) -> AnthropicListener:
        return AnthropicListener()

    def embedding_address(self, provider: ProviderFacts, model_id: str) -> str:
        return ""

    def embedding_body(self, question: Question, inputs: Sequence[Input]) -> Body:
        """Never sent: there is no address for it."""
        raise NotImplementedError

    def read_embeddings(self, value: JSON, expected: int) -> Embedded:
        raise NotImplementedError


def _most(question: Question) -> int:
    model = question.target.candidate.model
    most = model.max_output_tokens if model is not None else None
    return min(most or DEFAULT_MAX_TOKENS, DEFAULT_MAX_TOKENS)


def _samples(question: Question) -> bool:
    """Whether this version of the API takes sampling parameters."""
    return question.target.provider.api_version == OLD_VERSION


def _ask_for_shape(content: JSON, question: Question) -> None:
    """As a schema where the model obeys it, else in words at the end of the system prompt."""
    shape = question.shape
    obeys = question.obeys and OUTPUT_CONFIG not in question.refused
    form = shape.anthropic if shape is not None and obeys else None
    if form is not None:
        schema = {"type": "json_schema", "schema": form.schema}
        content[OUTPUT_CONFIG] = {**content.get(OUTPUT_CONFIG, {}), "format": schema}
    elif shape is not None:
        system = content.get("system") or []
        if isinstance(system, str):
            system = [{"type": "text", "text": system}]
        content["system"] = [*system, {"type": "text", "text": shape.instruction}]


def _one_text(blocks: list[JSON]) -> str | list[JSON]:
    """The system prompt as one text, unless a block bears more than text."""
    if all(block.keys() == {"type", "text"} for block in blocks):
        return "\n\n".join(block["text"] for block in blocks)
    return blocks


def _native_body(question: Question, native: NativeRequest) -> Body:
    """The caller's request as it came, but for the model, our limits and what nobody signed."""
    target, content = question.target, dict(native.body)
    # Servers beside Anthropic's let these win over `max_tokens`.
    dropped = [name for name in (*TOKEN_LIMIT_NAMES, *LIMIT_HOLDERS) if content.pop(name, None)]
    dropped = [name for name in dropped if name != "max_tokens"]
    if content.pop(FALLBACKS, None):
        dropped.append(FALLBACKS)
    content["model"] = target.model_id
    content["max_tokens"] = target.max_tokens or _most(question)
    content["messages"] = [
        *_without_unsigned(content.get("messages")),
        *RequestTranslation().turns(question.added),
    ]
    config = content.pop(OUTPUT_CONFIG, None)
    if isinstance(config, dict):
        rest = {name: value for name, value in config.items() if name != "format"}
        if rest:
            content[OUTPUT_CONFIG] = rest
    _ask_for_shape(content, question)
    asked = content.pop("temperature", None)
    if target.temperature is not None and (asked is not None or not _thinks(content)):
        content["temperature"] = target.temperature
    if not _samples(question):
        dropped += [name for name in SAMPLING if content.pop(name, None) is not None]
    return _without_refused(content, question, tuple(sorted(dropped)))


def _without_refused(content: JSON, question: Question, dropped: tuple[str, ...]) -> Body:
    """Without `output_config` where the model is known to refuse it, for effort or for a schema."""
    if OUTPUT_CONFIG not in question.refused:
        return Body(content, dropped)
    shaped = question.shape is not None and question.obeys
    if content.pop(OUTPUT_CONFIG, None) is not None or shaped:
        dropped = (*dropped, OUTPUT_CONFIG)
    return Body(content, dropped)


def _thinks(content: JSON) -> bool:
    """Whether thinking is asked for, beside which no temperature but 1 is taken."""
    return object_of(content.get("thinking")).get("type") in {"enabled", "adaptive"}


def _without_unsigned(messages: Any) -> list[JSON]:
    """Without thoughts that have no signature: they are other vendors', and would be refused."""
    kept = []
    for message in messages if isinstance(messages, list) else ():
        blocks = message.get("content")
        if message.get("role") != "assistant" or not isinstance(blocks, list):
            kept.append(message)
            continue
        signed = [block for block in blocks if not _unsigned(block)]
        if signed or not blocks:
            kept.append(message if len(signed) == len(blocks) else {**message, "content": signed})
    return kept


def _unsigned(block: JSON) -> bool:
    return block.get("type") == "thinking" and not block.get("signature")
