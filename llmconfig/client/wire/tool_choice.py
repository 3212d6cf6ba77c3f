"""`tool_choice` in OpenAI's words: which of the offered tools a model may call."""

from typing import Any

from llmconfig.client.wire import JSON
from llmconfig.client.wire.free_text_tools import CUSTOM
from llmconfig.client.wire.reading import object_of, text_of


def allowed_tools(choice: Any) -> list[str] | None:
    """The names in a chat's choice of the type `allowed_tools`; None for any other choice."""
    allowed = object_of(object_of(choice).get("allowed_tools"))
    tools = allowed.get("tools")
    if not isinstance(tools, list):
        return None
    return [name_of_tool(object_of(each)) for each in tools]


def name_of_tool(tool: JSON) -> str:
    """The name of a chat's tool, or of a call of one; blank where it has none."""
    return text_of(object_of(tool.get("function") or tool.get(CUSTOM)).get("name"))
