"""`tool_choice` in OpenAI's words: which of the offered tools a model may call."""

from typing import Any

from llmconfig.client.wire.free_text_tools import CUSTOM
from llmconfig.client.wire.reading import object_of, text_of


def allowed_tools(choice: Any) -> list[str] | None:
    """The names in a chat's choice of the type `allowed_tools`; None for any other choice."""
    allowed = object_of(object_of(choice).get("allowed_tools"))
    tools = allowed.get("tools")
    if not isinstance(tools, list):
        return None
    found = map(object_of, tools)
    named = [object_of(each.get("function") or each.get(CUSTOM)) for each in found]
    return [text_of(each.get("name")) for each in named]
