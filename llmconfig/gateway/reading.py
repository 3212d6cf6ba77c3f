"""Reading requests, trusting none of it: each refusal names the field."""

import math
from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct, field

from llmconfig.client.structured_output import SchemaUnusable, refuse_unsafe
from llmconfig.client.types import Call
from llmconfig.client.wire import BadReply
from llmconfig.client.wire.reading import parse_value
from llmconfig.gateway.refusals import RequestRefused
from llmconfig.runtime.ids import new_id
from llmconfig.runtime.records import replace

JSON = dict[str, Any]
MAX_MESSAGES = 10_000
DICTS = {dict}
MAX_NAME_LENGTH = 200
ENDLESS = -1  # llama.cpp's and LM Studio's word for no limit
NOTHING: Mapping[str, Any] = {}
MAX_CHOICES = 128  # of one request, as at OpenAI's


class ParsedRequest(Struct, frozen=True):
    """A request read: the call, and how its answer is wanted.

    `more` are calls for further choices of the same answer.
    """

    call: Call
    name: str
    stream: bool
    with_usage: bool = False
    echo: JSON = field(default_factory=dict)  # what a Responses answer repeats of it
    more: tuple[Call, ...] = ()
    # What functions' names stand for; see response_tools.
    tools: Mapping[str, Any] = field(default_factory=dict)

    @property
    def calls(self) -> tuple[Call, ...]:
        """One for each choice."""
        return (self.call, *self.more)


def choices_of(body: Mapping[str, Any], param: str = "n") -> int:
    """How many answers a request wants; raises RequestRefused."""
    wanted = body.get(param)
    if wanted is None:
        return 1
    if type(wanted) is not int or not 1 <= wanted <= MAX_CHOICES:
        raise bad(param, f"It goes from 1 to {MAX_CHOICES}.")
    return wanted


def repeated(call: Call, times: int) -> tuple[Call, ...]:
    """Further calls like this one, each with an id of its own; none comes from the cache.

    They share the first one's id as their session, which ties their records together.
    """
    if not times:
        return ()
    labels = replace(call.labels, session_id=call.correlation_id)
    return tuple(
        replace(call, correlation_id=new_id(), labels=labels, use_cache=False) for _ in range(times)
    )


def body_of(raw: bytes | bytearray) -> JSON:
    """The JSON object that a body is; raises Refused."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        value = _read_patiently(bytes(raw), error)
    if not isinstance(value, dict):
        raise RequestRefused(400, "invalid_json", "The body is not a JSON object.")
    return value


def _read_patiently(raw: bytes, error: Exception) -> Any:
    """What JavaScript and Python write and strict JSON has not: halves of emoji, a byte order mark,
    numbers that are none. Raises RequestRefused."""
    try:
        raw.decode()  # another encoding is not guessed
        return parse_value(raw)
    except (UnicodeDecodeError, BadReply):
        told = f"The body is not JSON: {error}"
        raise RequestRefused(400, "invalid_json", told) from None


def bad(param: str, message: str) -> RequestRefused:
    """A refusal that names a field."""
    return RequestRefused(400, "invalid_value", message, param=param)


def name_of(body: Mapping[str, Any]) -> str:
    """The name in a request's `model` field; raises RequestRefused."""
    name = body.get("model")
    if not isinstance(name, str) or not name or len(name) > MAX_NAME_LENGTH:
        raise bad("model", "Name a node, an interaction type or a model.")
    return name


def switch(body: Mapping[str, Any], param: str) -> bool:
    """A true or false, false where it's missing."""
    value = body.get(param)
    if value is not None and not isinstance(value, bool):
        raise bad(param, "This is neither true nor false.")
    return bool(value)


def objects(body: Mapping[str, Any], param: str) -> list[JSON]:
    """A list of objects, empty where it's missing."""
    value = body.get(param)
    if value is None:
        return []
    if type(value) is not list or {*map(type, value)} - DICTS:
        raise bad(param, "This is not a list of objects.")
    return value


def messages_of(body: Mapping[str, Any]) -> list[JSON]:
    """The messages, each with a role and a content that is text, a list of parts or nothing."""
    messages = objects(body, "messages")
    if not 0 < len(messages) <= MAX_MESSAGES:
        raise bad("messages", f"Give 1 to {MAX_MESSAGES} messages.")
    for at, message in enumerate(messages):
        content = message.get("content")
        if type(message.get("role")) is not str:
            raise bad(f"messages[{at}].role", "Each message needs a role.")
        if type(content) is str:
            continue
        if isinstance(content, list):
            if not all(isinstance(part, dict) for part in content):
                raise bad(f"messages[{at}].content", "Each part must be an object.")
        elif content is not None:
            raise bad(f"messages[{at}].content", "This is neither text nor a list of parts.")
    return messages


def given_of(body: Mapping[str, Any], limits: tuple[str, ...]) -> JSON:
    """The caller's own temperature and token limit: the most specific layer."""
    given: JSON = {}
    temperature = body.get("temperature")
    if temperature is not None:
        if isinstance(temperature, bool) or not isinstance(temperature, int | float):
            raise bad("temperature", "This is not a number.")
        if not (math.isfinite(temperature) and 0 <= temperature <= 2):
            raise bad("temperature", "It goes from 0 to 2.")
        given["temperature"] = float(temperature)
    for param in limits:
        value = body.get(param)
        if value is not None and value != ENDLESS:
            if type(value) is float and value.is_integer():
                value = int(value)  # some languages know no other numbers
            if type(value) is not int or not 1 <= value < 2**31:
                raise bad(param, "This is not a whole number of at least 1.")
            given["max_tokens"] = value
    return given


def check_tools(tools: list[JSON]) -> None:
    """Refuse tools whose parameters lead out of their schema or can't be; in OpenAI's shape."""
    for at, tool in enumerate(tools):
        function = tool.get("function")
        parameters = function.get("parameters") if isinstance(function, dict) else None
        if isinstance(parameters, dict):
            try:
                refuse_unsafe(parameters)
            except SchemaUnusable as error:
                raise bad(f"tools[{at}]", str(error)) from None


def schema_of(value: object, param: str, beside: Mapping[str, Any] = NOTHING) -> JSON:
    """The JSON schema in a request; raises RequestRefused.

    Name and description may stand `beside` it. Not every wire has a place for them there, so they
    become the schema's own where it has none.
    """
    if not isinstance(value, dict):
        raise bad(param, "This is not a JSON schema.")
    told = {"title": beside.get("name"), "description": beside.get("description")}
    return {**{name: each for name, each in told.items() if each and type(each) is str}, **value}
