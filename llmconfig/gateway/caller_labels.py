"""What a caller says of its call for the record: its end user, metadata and tags."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from llmconfig.client.pipeline.embeddings import EmbeddingCall
from llmconfig.client.types import Call, Labels
from llmconfig.gateway.refusals import RequestRefused
from llmconfig.runtime.records import replace

TAGS = b"x-nodewise-tags"
MAX_TAGS = 20
MAX_TAG_LENGTH = 100
MAX_END_USER_LENGTH = 200
# OpenAI's own bounds: https://platform.openai.com/docs/api-reference/chat/create
MAX_PAIRS = 16
MAX_NAME_LENGTH = 64
MAX_VALUE_LENGTH = 512
AnyCall = TypeVar("AnyCall", Call, EmbeddingCall)


def labels_of(operation: str, account: str, body: Mapping[str, Any]) -> Labels:
    """What the record says of where a call came from.

    `user` and `safety_identifier` (OpenAI) and `metadata.user_id` (Anthropic) are its end user,
    `metadata.tags` (LiteLLM) are tags; of the other metadata the pairs that OpenAI allows are kept.
    """
    metadata = body.get("metadata")
    user = body.get("safety_identifier") or body.get("user")
    labels = plain_labels(operation, account)
    if not metadata and not user:
        return labels
    pairs = metadata if isinstance(metadata, dict) else {}
    kept = {name: value for name, value in pairs.items() if name not in {"tags", "user_id"}}
    return replace(
        labels,
        end_user=_end_user(user or pairs.get("user_id")),
        tags=_own_tags(pairs.get("tags")),
        metadata=_metadata(kept),
    )


def with_tags(call: AnyCall, headers: Iterable[tuple[bytes, bytes]]) -> AnyCall:
    """The call with the tags of the header `x-nodewise-tags`, which are separated by commas.

    Raises RequestRefused for too many, or one that is too long.
    """
    given: list[str] = _words(headers)
    if not given:
        return call
    tags: tuple[str, ...] = tuple(dict.fromkeys([*call.labels.tags, *given]))
    if len(tags) > MAX_TAGS or any(len(each) > MAX_TAG_LENGTH for each in tags):
        raise RequestRefused(
            400,
            "invalid_value",
            f"Give at most {MAX_TAGS} tags of at most {MAX_TAG_LENGTH} characters.",
            param=TAGS.decode(),
        )
    return replace(call, labels=replace(call.labels, tags=tags))


def _words(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    given = b",".join(value for name, value in headers if name == TAGS)
    words = [each.strip() for each in given.decode("utf-8", "replace").split(",")]
    return [each for each in words if each]


@lru_cache(maxsize=1024)
def plain_labels(operation: str, account: str) -> Labels:
    """The same object for a key's calls."""
    return Labels(service_name="gateway", operation_type=operation, account=account)


def _end_user(value: object) -> str:
    return value[:MAX_END_USER_LENGTH] if isinstance(value, str) else ""


def _own_tags(value: object) -> tuple[str, ...]:
    """The tags in a body; what is none is for the provider to judge."""
    if not isinstance(value, list):
        return ()
    words = [each for each in value if isinstance(each, str) and 0 < len(each) <= MAX_TAG_LENGTH]
    return tuple(dict.fromkeys(words))[:MAX_TAGS]


def _metadata(pairs: Mapping[str, Any]) -> dict[str, str] | None:
    """Names and values as text, as many and as long as OpenAI allows."""
    found = {
        name[:MAX_NAME_LENGTH]: str(value)[:MAX_VALUE_LENGTH]
        for name, value in list(pairs.items())[:MAX_PAIRS]
        if isinstance(value, str | int | float)
    }
    return found or None
