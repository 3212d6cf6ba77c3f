"""Tools of OpenAI's Responses in the words of a chat, and back.

A namespace's functions have its name before theirs. A search that an agent offers beside its own
tools is left out, and the record's dropped parameters name it: Codex does so by itself, and says
each time whether it may leave its vendor (`external_web_access`). Source:
`openai.types.responses.ToolParam`.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field

from llmconfig.client.wire.free_text_tools import CUSTOM, grammar_of
from llmconfig.client.wire.tool_choice import name_of_tool
from llmconfig.gateway.reading import JSON, bad, check_tools, objects

OWN = frozenset({"function", "namespace", CUSTOM})  # a caller's own tools
CHOICES = ("auto", "none", "required")
FUNCTION, NAMESPACE = "function", "namespace"
OWN_FIELDS = ("description", "parameters", "strict")
TOOL_FIELDS = frozenset({"type", "name", "format", *OWN_FIELDS})
SEARCHES = frozenset({"web_search", "web_search_2025_08_26", "web_search_preview"})
MAX_NAME = 64  # of a function, as OpenAI and Anthropic have it


class CallersTool(Struct, frozen=True):
    """A tool of the caller's that has another name in a chat, or takes free text."""

    name: str
    namespace: str = ""
    takes_text: bool = False


class ToolsOfRequest(Struct):
    """The tools that a model is offered, what they stand for, and what was left out."""

    in_chat: list[JSON] = field(default_factory=list)
    stands_for: dict[str, CallersTool] = field(default_factory=dict)  # by the name in a chat
    left_out: list[str] = field(default_factory=list)


def offered(body: JSON, *, is_native: bool) -> ToolsOfRequest:
    """What a request's tools are in a chat; raises RequestRefused.

    With `is_native` the tools travel as they are, and only functions matter here.
    """
    found = ToolsOfRequest()
    tools = objects(body, "tools")
    choice = body.get("tool_choice")
    wanted = choice.get("type") if isinstance(choice, dict) else None
    for at, tool in enumerate(tools):
        kind, where = tool.get("type"), f"tools[{at}]"
        if kind == NAMESPACE and not is_native:
            inner = objects(tool, "tools")
            for inside, each in enumerate(inner):
                _add(found, each, f"{where}.tools[{inside}]", str(tool.get("name", "")))
        elif kind == FUNCTION or (kind == CUSTOM and not is_native):
            _add(found, tool, where)
        elif is_native:
            continue
        elif kind in SEARCHES - {wanted} and _can_be_missed(tool, tools):
            found.left_out.append(f"tools.{kind}")
        else:
            raise bad(f"{where}.type", f"{kind!r} is not offered; only tools of your own are.")
    check_tools(found.in_chat)
    return found


def _can_be_missed(search: JSON, tools: Sequence[JSON]) -> bool:
    live = search.get("external_web_access")
    return live is False or (live is True and any(each.get("type") in OWN for each in tools))


def _add(found: ToolsOfRequest, tool: JSON, where: str, namespace: str = "") -> None:
    name, kind = tool.get("name"), tool.get("type")
    if not isinstance(name, str):
        raise bad(f"{where}.name", "Each function needs a name.")
    if kind not in {FUNCTION, CUSTOM}:
        raise bad(f"{where}.type", f"{kind!r} is not offered; only tools of your own are.")
    for each in tool.keys() - TOOL_FIELDS:
        if tool[each]:
            found.left_out.append(f"tools.{each}")
    told: JSON = {"name": name_in_chat(name, namespace)}
    fields = ("description",) if kind == CUSTOM else OWN_FIELDS
    told |= {each: tool[each] for each in fields if tool.get(each) is not None}
    grammar = grammar_of(tool.get("format")) if kind == CUSTOM else None
    if grammar is not None:
        rule = {each: grammar.get(each) for each in ("syntax", "definition")}
        told["format"] = {"type": "grammar", "grammar": rule}
    if namespace or kind == CUSTOM:
        stands_for = CallersTool(name, namespace, takes_text=kind == CUSTOM)
        found.stands_for[told["name"]] = stands_for
    found.in_chat.append({"type": kind, kind: told})


def name_in_chat(name: str, namespace: object) -> str:
    """A function's name in a chat; two in one namespace stay two, however long its name is."""
    if not isinstance(namespace, str) or not namespace:
        return name
    room = MAX_NAME - len(name) - len("__")
    return f"{namespace[: max(room, 0)]}__{name}"[-MAX_NAME:]


def choose(choice: object, tools: ToolsOfRequest, extra: JSON, *, is_native: bool) -> None:
    """Which of the tools may or must be called; raises RequestRefused."""
    extra["tools"] = tools.in_chat
    if choice is None:
        return
    if isinstance(choice, str) and choice in CHOICES:
        extra["tool_choice"] = choice
        return
    kind = choice.get("type") if isinstance(choice, dict) else None
    if is_native and kind != FUNCTION:
        return
    if not isinstance(choice, dict) or kind not in {FUNCTION, CUSTOM, "allowed_tools"}:
        raise bad("tool_choice", "It is auto, none, required, a function or allowed_tools.")
    if kind != "allowed_tools":
        name = name_in_chat(str(choice.get("name", "")), choice.get("namespace"))
        stands_for = tools.stands_for.get(name)
        kind = CUSTOM if stands_for is not None and stands_for.takes_text else FUNCTION
        extra["tool_choice"] = {"type": kind, kind: {"name": name}}
        return
    allowed = set(_names(objects(choice, "tools")))
    extra["tools"] = [tool for tool in tools.in_chat if name_of_tool(tool) in allowed]
    if not extra["tools"]:
        raise bad("tool_choice.tools", "None of these is among the tools.")
    extra["tool_choice"] = "required" if choice.get("mode") == "required" else "auto"


def _names(tools: Sequence[JSON]) -> Iterator[str]:
    return (name_in_chat(str(each.get("name")), each.get("namespace")) for each in tools)


def call_of(item: JSON, where: str) -> JSON:
    """A call that an item brings back, in the words of a chat; raises RequestRefused."""
    for name in ("call_id", "name"):
        if not isinstance(item.get(name), str):
            raise bad(f"{where}.{name}", "Each function call has one.")
    name = name_in_chat(item["name"], item.get("namespace"))
    if item.get("type") == "custom_tool_call":
        said = item.get("input")
        custom = {"name": name, "input": said if isinstance(said, str) else ""}
        return {"id": item["call_id"], "type": CUSTOM, CUSTOM: custom}
    arguments = item.get("arguments")
    function = {"name": name, "arguments": arguments if isinstance(arguments, str) else "{}"}
    return {"id": item["call_id"], "type": FUNCTION, FUNCTION: function}


def echoed(body: Mapping[str, object]) -> list[JSON]:
    """The tools as an answer repeats them: a function's with all its fields."""
    blank = dict.fromkeys(OWN_FIELDS) | {"strict": False}
    return [
        {**blank, **tool} if tool.get("type") == FUNCTION else tool
        for tool in objects(body, "tools")
    ]
