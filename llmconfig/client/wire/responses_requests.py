"""A chat's messages and parameters put into OpenAI's Responses.

Source: `openai.types.responses.ResponseCreateParams` of OpenAI's SDK. Reasoning goes back as it
came: encrypted, in OpenRouter's `reasoning_details` of the format `openai-responses-v1`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from llmconfig.client.types import Message
from llmconfig.client.wire import JSON
from llmconfig.client.wire.free_text_tools import CUSTOM, grammar_of
from llmconfig.client.wire.prompt_cache import BREAKPOINT
from llmconfig.client.wire.reading import object_of, text_of
from llmconfig.client.wire.thinking import of_details
from llmconfig.client.wire.tool_choice import allowed_tools

FORMAT = "openai-responses-v1"
ENCRYPTED = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"
# What goes along under its own name; the rest is translated or dropped.
SAME = frozenset(
    {
        "top_p", "parallel_tool_calls", "service_tier", "user", "safety_identifier",
        "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "metadata", "store",
        "truncation", "max_tool_calls", "top_logprobs",
    }
)  # fmt: skip
TEXT_PARTS = frozenset({"text", "input_text", "output_text", None})


def items_of(messages: Sequence[Message]) -> list[JSON]:
    """The conversation as items: messages, calls, their outputs and reasoning."""
    texts = {
        call.get("id")
        for message in messages
        for call in map(object_of, message.get("tool_calls") or ())
        if call.get(CUSTOM)
    }
    return [item for message in messages for item in _items(message, texts)]


def _items(message: Message, texts: Collection[object]) -> list[JSON]:
    """A message's; `texts` are the ids of calls of tools that take free text."""
    role = message.get("role")
    if role == "tool":
        call_id = message.get("tool_call_id", "")
        output = _parts(message.get("content"), "input_text")
        kind = "custom_tool_call_output" if call_id in texts else "function_call_output"
        return [{"type": kind, "call_id": call_id, "output": output}]
    if role != "assistant":
        return [{"role": role, "content": _parts(message.get("content"), "input_text")}]
    items = _reasoning(object_of(message).get("reasoning_details"))
    content = _parts(message.get("content"), "output_text")
    if content:
        items.append({"role": "assistant", "content": content})
    return items + [_call(object_of(call)) for call in message.get("tool_calls") or ()]


def _reasoning(details: object) -> list[JSON]:
    """OpenAI's own thoughts, which it wants back before the calls that followed them."""
    items: dict[str, JSON] = {}
    for thought in of_details(details):
        if thought.format != FORMAT:
            continue
        made: JSON = {"type": "reasoning", "summary": []}
        item = items.setdefault(thought.id or str(len(items)), made)
        if thought.id:
            item["id"] = thought.id
        if thought.data:
            item["encrypted_content"] = thought.data
        elif thought.text:
            item["summary"].append({"type": "summary_text", "text": thought.text})
    return [each for each in items.values() if each.get("encrypted_content")]


def _call(call: JSON) -> JSON:
    custom, function = object_of(call.get(CUSTOM)), object_of(call.get("function"))
    if custom:
        said = {"name": custom.get("name", ""), "input": custom.get("input", "")}
        return {"type": "custom_tool_call", "call_id": call.get("id", ""), **said}
    return {
        "type": "function_call",
        "call_id": call.get("id", ""),
        "name": function.get("name", ""),
        "arguments": function.get("arguments") or "{}",
    }


def _parts(content: Any, text_kind: str) -> Any:
    """Text as it is; of a list of parts, each in the words of Responses."""
    if not isinstance(content, list):
        return content or ""
    return [_part(object_of(part), text_kind) for part in content]


def _part(part: JSON, text_kind: str) -> JSON:
    kind = part.get("type")
    mark = {BREAKPOINT: part[BREAKPOINT]} if part.get(BREAKPOINT) else {}
    if kind in TEXT_PARTS:
        return {"type": text_kind, "text": text_of(part.get("text")), **mark}
    if kind == "image_url":
        image = object_of(part.get("image_url"))
        return {
            "type": "input_image",
            "image_url": image.get("url"),
            "detail": image.get("detail", "auto"),
            **mark,
        }
    if kind == "file":
        file = object_of(part.get("file"))
        names = ("file_data", "file_id", "filename")
        found = {each: file[each] for each in names if file.get(each)}
        return {"type": "input_file", **found, **mark}
    return part


def carry(content: JSON, extra: Mapping[str, Any]) -> tuple[str, ...]:
    """Put the caller's parameters into the request; gives the names of those without a place."""
    dropped = []
    for name, value in extra.items():
        if name in SAME:
            content[name] = value
        elif name in TRANSLATIONS:
            TRANSLATIONS[name](content, value)
        else:
            dropped.append(name)
    return tuple(dropped)


def _tools(content: JSON, value: Any) -> None:
    content["tools"] = [_tool(object_of(each)) for each in value]


def _tool_choice(content: JSON, value: Any) -> None:
    content["tool_choice"] = _choice(value)


def _effort(content: JSON, value: Any) -> None:
    content["reasoning"] = {**content.get("reasoning", {}), "effort": value}


def _verbosity(content: JSON, value: Any) -> None:
    content["text"] = {**content.get("text", {}), "verbosity": value}


def _format(content: JSON, value: Any) -> None:
    if object_of(value).get("type") == "json_object":
        content["text"] = {**content.get("text", {}), "format": {"type": "json_object"}}


def _logprobs(content: JSON, value: Any) -> None:
    if value:
        content["include"] = [*content.get("include", ()), LOGPROBS]


TRANSLATIONS: Mapping[str, Callable[[JSON, Any], None]] = {
    "logprobs": _logprobs,
    "reasoning_effort": _effort,
    "response_format": _format,
    "tool_choice": _tool_choice,
    "tools": _tools,
    "verbosity": _verbosity,
}


def _tool(tool: JSON) -> JSON:
    function, custom = object_of(tool.get("function")), object_of(tool.get(CUSTOM))
    if custom:
        grammar = grammar_of(custom.get("format"))
        form = {} if grammar is None else {"format": {"type": "grammar", **grammar}}
        return {**custom, **form, "type": CUSTOM}
    if not function:
        return tool  # one of OpenAI's own
    return {"strict": False, "parameters": None, **function, "type": "function"}


def _choice(value: Any) -> Any:
    allowed = allowed_tools(value)
    if allowed is not None:
        kinds = [each.get("type", "function") for each in value["allowed_tools"]["tools"]]
        pairs = zip(kinds, allowed, strict=True)
        tools = [{"type": kind, "name": name} for kind, name in pairs]
        mode = value["allowed_tools"].get("mode", "auto")
        return {"type": "allowed_tools", "mode": mode, "tools": tools}
    for kind in ("function", CUSTOM):
        if chosen := object_of(object_of(value).get(kind)):
            return {"type": kind, "name": chosen["name"]}
    return value
