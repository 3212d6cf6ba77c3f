"""Models whose names begin with `agent`: they call tools by themselves until there is a result.

A user's line `CALL name {"argument": …}` says what they call, one line after the other; then they
answer, in the words of the lines `SAY …` if there are any.
"""

import json
import re
from collections.abc import Iterator

from project.embedded.simulator.wire import JsonObject

AGENT = "agent"
FINAL = "final_"  # as agents' libraries call the tool that takes the answer
CALL = re.compile(r"^CALL (\S+) (\{.*\})\s*$", re.MULTILINE)
SAY = re.compile(r"^SAY (.*)$", re.MULTILINE)


def chosen_tool(body: JsonObject) -> JsonObject | None:
    """The `tool_choice` that such a model makes for itself, in both vendors' words; None for none.

    The first tool, and after a result one whose name begins with `final_`, if there is any.
    """
    names = [name for tool in _objects(body.get("tools")) if (name := _name(tool))]
    forbidden = body.get("tool_choice") in ("none", {"type": "none"})
    if not str(body.get("model", "")).startswith(AGENT) or not names or forbidden:
        return None
    messages = _objects(body.get("messages"))
    script = [found for text in _said(messages) for found in CALL.findall(text)]
    if script:
        return _scripted(script, sum(map(_results, messages)))
    final = [name for name in names if name.startswith(FINAL)]
    others = [name for name in names if name not in final]
    wanted = final if messages and _results(messages[-1]) else others or final
    return {"type": "tool", "name": wanted[0], "function": {"name": wanted[0]}} if wanted else None


def scripted_answer(body: JsonObject) -> str | None:
    """What the user has such a model answer, None for its own words."""
    if not str(body.get("model", "")).startswith(AGENT):
        return None
    lines = [line for text in _said(_objects(body.get("messages"))) for line in SAY.findall(text)]
    return "\n".join(lines) if lines else None


def _objects(value: object) -> list[JsonObject]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _name(tool: JsonObject) -> str:
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else tool.get("name")
    return name if isinstance(name, str) else ""


def schema_of(chosen: object, given: JsonObject | None) -> JsonObject:
    """What a call's arguments must be: those of the script, or as the tool's own schema says."""
    if isinstance(chosen, dict) and "arguments" in chosen:
        return {"const": chosen["arguments"]}
    return given or {"type": "object"}


def _scripted(script: list[tuple[str, str]], results: int) -> JsonObject | None:
    if results >= len(script):
        return None
    name, arguments = script[results]
    return {
        "type": "tool",
        "name": name,
        "function": {"name": name},
        "arguments": json.loads(arguments),
    }


def _said(messages: list[JsonObject]) -> Iterator[str]:
    """The texts of the user's turns."""
    for message in messages:
        content = message.get("content")
        if message.get("role") == "user" and isinstance(content, str):
            yield content
        elif message.get("role") == "user":
            yield from (str(part["text"]) for part in _objects(content) if "text" in part)


def _results(message: JsonObject) -> int:
    """How many results of tools a turn brings."""
    if message.get("role") == "tool":
        return 1
    return sum(part.get("type") == "tool_result" for part in _objects(message.get("content")))
