"""`tool_choice` in OpenAI's words: which of the offered functions a model may call."""

from typing import Any

from llmconfig.client.wire.reading import object_of, text_of


def allowed_functions(choice: Any) -> list[str] | None:
    """The names in a chat's choice of the type `allowed_tools`; None for any other choice."""
    allowed = object_of(object_of(choice).get("allowed_tools"))
    tools = allowed.get("tools")
    if not isinstance(tools, list):
        return None
    functions = [object_of(object_of(each).get("function")) for each in tools]
    return [text_of(each.get("name")) for each in functions]
