"""Tools put to servers of OpenAI's chats that know functions alone, and no choice among some.

Sources: `openai.types.chat.ChatCompletionAllowedToolChoiceParam`; llama.cpp, vLLM and Ollama, whose
requests have tools of the type `function` and a choice of a word or one function.
"""

from collections.abc import Sequence
from typing import Any

from llmconfig.client.types import Message
from llmconfig.client.wire import JSON
from llmconfig.client.wire.free_text_tools import (
    CUSTOM,
    LOST_GRAMMAR,
    as_function,
    call_as_function,
    loses_grammar,
)
from llmconfig.client.wire.reading import object_of
from llmconfig.client.wire.tool_choice import allowed_tools, name_of_tool

TOOLS, CHOICE = "tools", "tool_choice"


def with_functions_alone(content: JSON, *, by_word: bool = False) -> tuple[str, ...]:
    """Put a request's tools, its choice and the calls of earlier turns into functions.

    With `by_word` a choice can't name a function, so that one that must be called is the only one.
    Gives the names of what is lost: a grammar, which is asked for in words.
    """
    content["messages"] = _with_calls(content["messages"])
    tools = content.get(TOOLS)
    if not isinstance(tools, list):
        return ()
    tools = [object_of(each) for each in tools]
    told = (LOST_GRAMMAR,) if any(map(loses_grammar, tools)) else ()
    choice = content.get(CHOICE)
    allowed = allowed_tools(choice)
    if allowed is not None:
        tools = [each for each in tools if name_of_tool(each) in allowed]
        content[CHOICE] = object_of(object_of(choice)["allowed_tools"]).get("mode", "auto")
    elif name := name_of_tool(object_of(choice)):
        content[CHOICE] = {"type": "function", "function": {"name": name}}
        if by_word:
            tools = [each for each in tools if name_of_tool(each) == name]
            content[CHOICE] = "required"
    content[TOOLS] = [as_function(each) for each in tools]
    return told


def any_calls(messages: Sequence[Message]) -> bool:
    """Whether any message holds calls of tools."""
    for message in messages:  # noqa: SIM110 - no generator: most requests come by
        if "tool_calls" in message:
            return True
    return False


def _with_calls(messages: Sequence[Message]) -> Sequence[Message]:
    """The messages with each call as one of a function; the same object if all are."""
    if not any(_calls_with_text(message.get("tool_calls")) for message in messages):
        return messages
    return [
        Message(**{**message, "tool_calls": _as_functions(message["tool_calls"])})
        if _calls_with_text(message.get("tool_calls"))
        else message
        for message in messages
    ]


def _calls_with_text(calls: Any) -> bool:
    return isinstance(calls, list) and any(CUSTOM in object_of(call) for call in calls)


def _as_functions(calls: Sequence[Any]) -> list[JSON]:
    return [call_as_function(object_of(call)) for call in calls]
