"""Models whose names begin with `agent`: they call tools by themselves until there is a result."""

from project.embedded.simulator.wire import JsonObject

AGENT = "agent"
FINAL = "final_"  # as agents' libraries call the tool that takes the answer


def chosen_tool(body: JsonObject) -> JsonObject | None:
    """The `tool_choice` that such a model makes for itself, in both vendors' words; None for none.

    The first tool, and after a result one whose name begins with `final_`, if there is any.
    """
    names = [name for tool in _objects(body.get("tools")) if (name := _name(tool))]
    forbidden = body.get("tool_choice") in ("none", {"type": "none"})
    if not str(body.get("model", "")).startswith(AGENT) or not names or forbidden:
        return None
    final = [name for name in names if name.startswith(FINAL)]
    others = [name for name in names if name not in final]
    wanted = final if _has_result(_objects(body.get("messages"))) else others or final
    return {"type": "tool", "name": wanted[0], "function": {"name": wanted[0]}} if wanted else None


def _objects(value: object) -> list[JsonObject]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _name(tool: JsonObject) -> str:
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else tool.get("name")
    return name if isinstance(name, str) else ""


def _has_result(messages: list[JsonObject]) -> bool:
    """Whether the last turn brings what a tool gave."""
    if not messages:
        return False
    blocks = _objects(messages[-1].get("content"))
    results = any(block.get("type") == "tool_result" for block in blocks)
    return messages[-1].get("role") == "tool" or results
