"""Tools that take free text (OpenAI's `custom`), and as functions where a wire knows those alone.

Sources: `openai.types.chat.ChatCompletionCustomToolParam` and `…MessageCustomToolCall`; the same of
`openai.types.responses`, where a grammar's facts stand one level higher.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from llmconfig.client.wire import JSON
from llmconfig.client.wire.reading import object_of

CUSTOM = "custom"
INPUT = "input"  # the argument that holds a free text
LOST_GRAMMAR = "tools.format (asked in words)"  # what of such a tool functions have no place for
FREE_TEXT: Mapping[str, Any] = {
    "type": "object",
    "properties": {INPUT: {"type": "string"}},
    "required": [INPUT],
    "additionalProperties": False,
}


def grammar_of(form: object) -> Mapping[str, Any] | None:
    """Syntax and definition in a tool's `format`, in either place; None if any text will do."""
    found = object_of(form)
    if found.get("type") != "grammar":
        return None
    return object_of(found.get("grammar")) or found


def loses_grammar(tool: Mapping[str, Any]) -> bool:
    """Whether a chat's tool has a grammar, which as a function it would have in words alone."""
    return grammar_of(object_of(tool.get(CUSTOM)).get("format")) is not None


def described(tool: Mapping[str, Any]) -> str:
    """What a free text is for, and the grammar that it must obey, in words."""
    told, grammar = str(tool.get("description") or ""), grammar_of(tool.get("format"))
    if grammar is None:
        return told
    rule = f"The input obeys this {grammar.get('syntax')} grammar:\n{grammar.get('definition')}"
    return f"{told}\n\n{rule}".lstrip()


def as_function(tool: Mapping[str, Any]) -> JSON:
    """A chat's tool of free text as a function; any other tool is given back as it is."""
    custom = tool.get(CUSTOM)
    if not isinstance(custom, Mapping):
        return dict(tool)
    function = {"name": custom.get("name", ""), "parameters": FREE_TEXT}
    if told := described(custom):
        function["description"] = told
    rest = {name: value for name, value in tool.items() if name not in {"type", CUSTOM}}
    return {**rest, "type": "function", "function": function}


def call_as_function(call: Mapping[str, Any]) -> JSON:
    """The same for a call of an earlier turn."""
    custom = call.get(CUSTOM)
    if not isinstance(custom, Mapping):
        return dict(call)
    arguments = orjson.dumps({INPUT: custom.get("input", "")}).decode()
    function = {"name": custom.get("name", ""), "arguments": arguments}
    return {"id": call.get("id", ""), "type": "function", "function": function}


def text_in(arguments: str) -> str:
    """The free text in a function's arguments; of arguments in another form, themselves."""
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    text = value.get(INPUT) if isinstance(value, dict) else None
    return text if isinstance(text, str) else arguments
