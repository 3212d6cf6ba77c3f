"""OpenAI's compaction of a conversation, over any provider: a model sums it up.

Source: `openai.types.responses.ResponseCompactParams` and `CompactedResponse` of OpenAI's SDK. What
its clients send back instead of the turns is an item that only its maker can read; ours holds the
summary, which reaches the model as a message.
"""

import base64
import binascii
import time
from collections.abc import Sequence

from llmconfig.client.types import Generation
from llmconfig.gateway import response_items
from llmconfig.gateway.openai_shape import served_usage, text_for
from llmconfig.gateway.reading import JSON, ParsedRequest
from llmconfig.gateway.responses_shape import usage_shape

KIND = "compaction"
SEAL = "nwc1."
ASKING = (
    "Sum up this conversation for the one who goes on with it: what was asked and decided, the"
    " facts, names, numbers, files and pieces of code that matter, what was tried and how it ended,"
    " and what is left to do. Leave out nothing that a later answer may need. Write the summary"
    " alone."
)
TELLING = "What happened in this conversation before:\n\n"
# What a request for a summary shares with the conversation's own.
SHARED = (
    "model", "instructions", "previous_response_id", "tools", "reasoning", "service_tier",
    "prompt_cache_key", "prompt_cache_retention", "metadata", "user", "safety_identifier",
)  # fmt: skip


def asking(body: JSON) -> JSON:
    """The request to `/v1/responses` that asks a model for the summary."""
    asked = {name: body[name] for name in SHARED if body.get(name) is not None}
    if asked.get("tools"):
        asked["tool_choice"] = "none"
    return asked | {
        "input": [*_items(body), {"role": "user", "content": ASKING}],
        "store": False,
    }


def answer(asked: ParsedRequest, body: JSON, before: Sequence[JSON], made: Generation) -> JSON:
    """All that the user said, and the summary in an item of its own.

    `before` are the items of the turns that the request goes on with.
    """
    found = asked.call.correlation_id
    name = found.hex if found else ""
    said = [each for each in (*before, *_items(body)) if _is_of_user(each)]
    kept = map(response_items.complete, response_items.with_ids(said, name))
    sealed = SEAL + base64.b64encode(text_for(made).encode()).decode()
    return {
        "id": f"resp_{name}",
        "object": "response.compaction",
        "created_at": int(time.time()),
        "output": [*kept, {"type": KIND, "id": f"cmp_{name}", "encrypted_content": sealed}],
        "usage": usage_shape(served_usage(made)),
    }


def opened(body: JSON) -> JSON:
    """A request with our summaries as messages; another maker's stay for who can read them."""
    items = body.get("input")
    if not isinstance(items, list) or not any(map(_is_summary, items)):
        return body
    return {**body, "input": [_message(each) if _is_summary(each) else each for each in items]}


def _items(body: JSON) -> list[JSON]:
    given = body.get("input")
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return given if isinstance(given, list) else []


def _is_of_user(item: JSON) -> bool:
    return item.get("type", "message") == "message" and item.get("role") == "user"


def _is_summary(item: object) -> bool:
    """Whether an item holds a summary of ours."""
    if not isinstance(item, dict) or item.get("type") != KIND:
        return False
    return str(item.get("encrypted_content", "")).startswith(SEAL)


def _message(item: JSON) -> JSON:
    try:
        sealed = item["encrypted_content"].removeprefix(SEAL)
        summary = base64.b64decode(sealed, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return item  # damaged: it is refused by its name
    return {"role": "user", "content": TELLING + summary}
