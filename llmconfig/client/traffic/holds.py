"""What a call may cost at most: by the dearest price that its request can bring about."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from llmconfig.client.types import Call, Message, Usage
from llmconfig.client.wire.billing_words import tier_name
from llmconfig.configuration.pricing import PriceFacts, worst_case

# Of a search tool whose request doesn't bound them.
UNBOUNDED_SEARCHES = 10
TEXT_PARTS = frozenset({"text", "tool_result", "tool_use", "thinking", "input_text"})


def dearest(
    price: PriceFacts, most: Usage, call: Call, *, service_tier: str = ""
) -> Decimal | None:
    """US dollars for these tokens at most; None if a price that can apply is unknown.

    Looks at what the request asks for: its tier, cache entries for an hour, audio and pictures,
    searches, a region. `service_tier` is `batch` for a provider's own batch.
    """
    extra = call.extra if call.native is None else {**call.extra, **call.native.body}
    plain = not extra and _are_plain(call.messages)
    tier = service_tier
    if extra and not tier:
        tier = tier_name(extra.get("speed")) or tier_name(extra.get("service_tier"))
    return worst_case(
        most,
        price,
        service_tier=tier,
        hour_cache=not plain and _keeps_an_hour(call, extra),
        media=not plain and _has_media(call, extra),
        web_searches=_searches(extra) if extra else 0,
        inference_geo=str(extra.get("inference_geo", "")) if extra else "",
    )


def _are_plain(messages: Sequence[Message]) -> bool:
    """Whether they are texts alone, as most are: nothing of what is looked for can be in them."""
    for message in messages:
        if type(message.get("content")) is not str or "cache_control" in message:
            return False
    return True


def _keeps_an_hour(call: Call, extra: Mapping[str, Any]) -> bool:
    """Whether any part of the request is to be cached for an hour."""
    if extra and (_hour(extra) or any(map(_hour, _dicts(extra.get("tools"))))):
        return True
    return any(
        _hour(message) or any(map(_hour, _dicts(message.get("content"))))
        for message in call.messages
    )


def _hour(part: Mapping[str, Any]) -> bool:
    control = part.get("cache_control")
    return isinstance(control, Mapping) and control.get("ttl") == "1h"


def _has_media(call: Call, extra: Mapping[str, Any]) -> bool:
    return bool(extra and extra.get("modalities")) or any(
        part.get("type") not in TEXT_PARTS
        for message in call.messages
        for part in _dicts(message.get("content"))
    )


def _searches(extra: Mapping[str, Any]) -> int:
    """How many searches its tools may make."""
    found = 1 if extra.get("web_search_options") is not None else 0
    for tool in _dicts(extra.get("tools")):
        if str(tool.get("type", "")).startswith("web_search"):
            bound = tool.get("max_uses")
            found += bound if type(bound) is int and bound >= 0 else UNBOUNDED_SEARCHES
    return found


def _dicts(value: Any) -> Iterable[Mapping[str, Any]]:
    return (each for each in value if isinstance(each, Mapping)) if isinstance(value, list) else ()
