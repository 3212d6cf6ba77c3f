"""OpenAI's functions of 2023: asked as tools, and told as `function_call`.

Source: `openai.types.chat.CompletionCreateParams` of OpenAI's SDK, which still has them.
"""

from collections.abc import Sequence

from llmconfig.client.types import Delta, Generation
from llmconfig.gateway import openai_shape
from llmconfig.gateway.reading import JSON, ParsedRequest, bad, objects

FIELDS = frozenset({"functions", "function_call"})
CHOICES = frozenset({"auto", "none"})
NO_CONTENT = ""  # of a result: a tool's needs one


def are_asked(body: JSON) -> bool:
    """Whether a request speaks of functions in the words of 2023."""
    return not FIELDS.isdisjoint(body) and any(map(body.get, FIELDS))


def as_tools(body: JSON) -> JSON:
    """The same request in today's words; raises RequestRefused."""
    if body.get("tools"):
        raise bad("functions", "Give tools or functions, not both.")
    renamed = {name: value for name, value in body.items() if name not in FIELDS}
    renamed["messages"] = _with_ids(objects(body, "messages"))
    functions = objects(body, "functions")
    choice = _choice(body.get("function_call"), functions)
    if functions:
        renamed["tools"] = [{"type": "function", "function": each} for each in functions]
        renamed["parallel_tool_calls"] = False  # a message had room for one
        if choice is not None:
            renamed["tool_choice"] = choice
    return renamed


def _choice(wanted: object, functions: Sequence[JSON]) -> object:
    if wanted is None or (isinstance(wanted, str) and wanted in CHOICES):
        return wanted
    name = wanted.get("name") if isinstance(wanted, dict) else None
    if not isinstance(name, str) or name not in [each.get("name") for each in functions]:
        raise bad("function_call", "It is auto, none, or the name of one of the functions.")
    return {"type": "function", "function": {"name": name}}


def _with_ids(messages: Sequence[JSON]) -> list[JSON]:
    """The messages with calls and results that know each other by ids, not by names."""
    told: list[JSON] = []
    ids: dict[object, str] = {}  # of the last call of each function
    for at, message in enumerate(messages):
        call = message.get("function_call")
        rest = {name: value for name, value in message.items() if name != "function_call"}
        if isinstance(call, dict):
            ids[call.get("name")] = f"call_{at}"
            call = {"id": f"call_{at}", "type": "function", "function": call}
            rest["tool_calls"] = [call]
        elif message.get("role") == "function":
            found = ids.get(message.get("name"))
            if found is None:
                raise bad(f"messages[{at}].name", "No function of this name was called before.")
            content = message.get("content") or NO_CONTENT
            rest = {"role": "tool", "tool_call_id": found, "content": content}
        told.append(rest)
    return told


def chat_answer(asked: ParsedRequest, made: Generation, *others: Generation) -> JSON:
    """A whole answer whose call, if it makes one, stands where it did in 2023."""
    whole = openai_shape.chat_answer(asked, made, *others)
    for choice in whole["choices"]:
        calls = choice["message"].pop("tool_calls", None)
        if calls:
            choice["message"]["function_call"] = calls[0]["function"]
        choice.update(_ending(choice))
    return whole


class CalledFunctionEvents(openai_shape.ChatEvents):
    """The same in pieces, as a stream of 2023 had them."""

    def said(self, delta: Delta) -> JSON:
        """A piece's delta, with the parts of the first call."""
        found = super().said(delta)
        call: JSON = {}
        for part in found.pop("tool_calls", ()):
            if part.get("index", 0) == 0:
                function = part.get("function") or {}
                arguments = call.get("arguments", "") + function.get("arguments", "")
                call |= {**function, "arguments": arguments}
        return {**found, "function_call": call} if call else found

    def reason(self, made: Generation) -> JSON:
        """Why it ended, with the word of 2023 for a call."""
        return _ending(super().reason(made))


def _ending(told: JSON) -> JSON:
    called = told["finish_reason"] == "tool_calls"
    return {**told, "finish_reason": "function_call"} if called else told
