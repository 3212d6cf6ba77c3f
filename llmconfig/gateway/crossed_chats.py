"""Chats in the words of other endpoints: Responses' `input`, and tools that aren't nested.

Cursor's agent sends both to `/chat/completions` of a base URL that its user sets, and reads a
chat's answers; its other modes mix tools of either form. No vendor documents it; source: the
requests in BerriAI/litellm#34029 and icebear0828/codex-proxy#707. Anthropic's tools are read along
with them.
"""

from collections.abc import Iterable, Mapping

from llmconfig.client.types import NativeRequest
from llmconfig.client.wire.free_text_tools import CUSTOM, grammar_of
from llmconfig.gateway import openai_shape, responses_requests
from llmconfig.gateway.access import Caller
from llmconfig.gateway.caller_labels import labels_of
from llmconfig.gateway.reading import JSON, ParsedRequest, bad, objects
from llmconfig.runtime.records import replace

FUNCTION = "function"
SCHEMA = "input_schema"  # Anthropic's word for parameters
# Anthropic's words for a choice.
CHOICES = {"any": "required", "auto": "auto", "none": "none"}


def is_response(body: JSON) -> bool:
    """Whether a chat's request has Responses' `input` in place of messages."""
    return "input" in body and not body.get("messages")


def read_response(
    body: JSON, caller: Caller, headers: Iterable[tuple[bytes, bytes]] = ()
) -> ParsedRequest:
    """Such a request, for an answer in a chat's words; raises RequestRefused.

    Its `tools` are the names of those that take free text, as custom_tools wants them. Responses
    are not kept for it, and it can't go on with one.
    """
    if body.get("previous_response_id"):
        raise bad("previous_response_id", "A chat goes on with no response; use /v1/responses.")
    flat = {**body, "tools": [_flat(each) for each in objects(body, "tools")]}
    flat["tool_choice"] = _flat_choice(body.get("tool_choice"))
    for limit in openai_shape.LIMITS:
        if flat.get("max_output_tokens") is None:
            flat["max_output_tokens"] = flat.get(limit)
        flat.pop(limit, None)
    asked = responses_requests.read_response(flat, caller, headers=headers)
    native = asked.call.native
    lost = () if native is None else native.lost
    call = replace(
        asked.call,
        labels=labels_of(openai_shape.OPERATION, caller.account, body),
        native=NativeRequest("", lost=lost),  # no wire has a chat in these words
    )
    takes_text = {name: True for name, tool in asked.tools.items() if tool.takes_text}
    with_usage = openai_shape.wants_usage(body)
    return replace(asked, call=call, with_usage=with_usage, echo={}, tools=takes_text)


def as_chat(body: JSON) -> JSON:
    """The same request with its tools as a chat has them; raises RequestRefused."""
    tools = objects(body, "tools")
    nested = [_nested(each) for each in tools]
    choice = _nested_choice(body.get("tool_choice"))
    if nested == tools and choice == body.get("tool_choice"):
        return body
    return {**body, "tools": nested, "tool_choice": choice}


def _nested(tool: JSON) -> JSON:
    kind = tool.get("type")
    is_nested = isinstance(tool.get(kind or FUNCTION), dict)
    if is_nested or not isinstance(tool.get("name"), str) or kind not in (None, FUNCTION, CUSTOM):
        return tool
    described: JSON = {each: tool[each] for each in ("name", "description") if tool.get(each)}
    if isinstance(tool.get(SCHEMA), dict):
        return {"type": FUNCTION, FUNCTION: described | {"parameters": tool[SCHEMA]}}
    if kind == CUSTOM:
        grammar = grammar_of(tool.get("format"))
        if grammar is not None:
            rule = {each: grammar.get(each) for each in ("syntax", "definition")}
            described["format"] = {"type": "grammar", "grammar": rule}
        return {"type": CUSTOM, CUSTOM: described}
    more = {each: tool[each] for each in ("parameters", "strict") if tool.get(each) is not None}
    return {"type": FUNCTION, FUNCTION: described | more}


def _nested_choice(choice: object) -> object:
    if not isinstance(choice, Mapping):
        return choice
    kind, name = choice.get("type"), choice.get("name")
    if isinstance(name, str) and kind in (FUNCTION, CUSTOM, "tool"):
        kind = FUNCTION if kind == "tool" else kind
        return {"type": kind, kind: {"name": name}}
    return CHOICES.get(str(kind), choice)


def _flat(tool: JSON) -> JSON:
    """A tool as Responses has it, also where it came in a chat's or Anthropic's words."""
    nested = _nested(tool)
    kind = nested.get("type")
    inner = nested.get(kind) if kind in (FUNCTION, CUSTOM) else None
    return {"type": kind, **inner} if isinstance(inner, dict) else tool


def _flat_choice(choice: object) -> object:
    nested = _nested_choice(choice)
    if not isinstance(nested, Mapping):
        return nested
    kind = nested.get("type")
    inner = nested.get(kind) if kind in (FUNCTION, CUSTOM) else None
    return {"type": kind, **inner} if isinstance(inner, Mapping) else choice
