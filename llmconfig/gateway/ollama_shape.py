"""Ollama's own requests and answers, which come line by line.

Source: https://github.com/ollama/ollama/blob/main/docs/api.md
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import orjson

from llmconfig.client.types import Call, Delta, Generation, NativeRequest
from llmconfig.gateway.access import Caller
from llmconfig.gateway.caller_labels import labels_of
from llmconfig.gateway.openai_shape import served_usage, text_for
from llmconfig.gateway.reading import (
    JSON,
    ParsedRequest,
    bad,
    check_tools,
    given_of,
    messages_of,
    name_of,
    objects,
    schema_of,
)
from llmconfig.runtime.ids import new_id

LATEST = ":latest"  # Ollama's clients put it behind names without a tag
# Of both requests; what else there is stands among the record's dropped parameters.
READ = frozenset(
    {"model", "messages", "prompt", "system", "images", "stream", "format", "options", "tools",
     "think"}
)  # fmt: skip
SAME_OPTIONS = ("top_p", "top_k", "stop", "seed", "presence_penalty", "frequency_penalty")
EFFORTS = frozenset({"low", "medium", "high"})
# By how their base64 begins; anything else is taken for a PNG.
MEDIA_TYPES = {"/9j/": "image/jpeg", "R0lG": "image/gif", "UklG": "image/webp"}
NS_PER_MS = 1_000_000


def model_name(body: JSON, caller: Caller) -> str:
    """The name in `model`, without Ollama's usual tag; raises RequestRefused."""
    if not body.get("model") and isinstance(body.get("name"), str):
        body = {**body, "model": body["name"]}
    return caller.node or name_of(body).removesuffix(LATEST)


def read_chat(body: JSON, caller: Caller) -> ParsedRequest:
    """A request to `/api/chat`; raises RequestRefused."""
    messages = _OllamaTurns().messages(messages_of(body))
    return _request(body, caller, messages, "api.chat")


def read_generate(body: JSON, caller: Caller) -> ParsedRequest:
    """A request to `/api/generate`: a prompt, perhaps a system prompt; raises RequestRefused."""
    if body.get("suffix"):
        raise bad("suffix", "A chat has no place for it; put it into the prompt.")
    prompt, system = body.get("prompt"), body.get("system")
    if not isinstance(prompt, str):
        raise bad("prompt", "This is not a text.")
    messages = [{"role": "system", "content": system}] if isinstance(system, str) else []
    user = {"role": "user", "content": prompt, "images": body.get("images")}
    return _request(body, caller, [*messages, _with_pictures(user)], "api.generate")


def _request(body: JSON, caller: Caller, messages: list[JSON], operation: str) -> ParsedRequest:
    name = model_name(body, caller)
    options = body.get("options") or {}
    if not isinstance(options, dict):
        raise bad("options", "This is not an object.")
    lost = [each for each in body if each not in READ and body[each] is not None]
    known = {"temperature", "num_predict", *SAME_OPTIONS}
    lost += [f"options.{each}" for each in options if each not in known]
    extra: JSON = {each: options[each] for each in SAME_OPTIONS if options.get(each) is not None}
    tools = objects(body, "tools")
    if tools:
        check_tools(tools)
        extra["tools"] = tools
    if body.get("think") in EFFORTS:
        extra["reasoning_effort"] = body["think"]
    wanted: Any = messages
    call = Call(
        node=name,
        messages=wanted,
        schema=_schema(body.get("format"), extra),
        given=_given(options),
        extra=extra,
        user_id=caller.user_id,
        correlation_id=new_id(),
        cache_sampled=False,  # unless it is wished
        waits=False,
        cascades=True,
        labels=labels_of(operation, caller.account, body),
        native=NativeRequest(wire="ollama", lost=tuple(lost)),
    )
    thinks = body.get("think") is not False
    return ParsedRequest(call, name, body.get("stream") is not False, echo={"thinks": thinks})


def _given(options: JSON) -> JSON:
    """Temperature and limit; a `num_predict` below 1 is none."""
    limit = options.get("num_predict")
    unlimited = type(limit) is int and limit < 1
    return given_of({**options, "num_predict": None if unlimited else limit}, ("num_predict",))


def _schema(form: object, extra: JSON) -> JSON | None:
    if form in (None, ""):
        return None
    if form == "json":
        extra["response_format"] = {"type": "json_object"}
        return None
    return schema_of(form, "format")


class _OllamaTurns:
    """Ollama's messages in OpenAI's words: calls get ids, by which their results name them."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []  # id and name of calls without a result
        self._count = 0

    def messages(self, given: list[JSON]) -> list[JSON]:
        """All of them."""
        return [self._message(each) for each in given]

    def _message(self, message: JSON) -> JSON:
        role = message["role"]
        if role == "tool":
            wanted = message.get("tool_name") or message.get("name")
            return {
                "role": "tool",
                "tool_call_id": self._result_of(wanted),
                "content": message.get("content") or "",
            }
        made = _with_pictures(message)
        calls = [self._call(each) for each in objects(message, "tool_calls")]
        return {**made, "tool_calls": calls} if calls else made

    def _call(self, call: JSON) -> JSON:
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        made = f"call_{self._count}"
        self._count += 1
        name = str(function.get("name", ""))
        self._open.append((made, name))
        arguments = orjson.dumps(function.get("arguments") or {}).decode()
        return {
            "id": made,
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }

    def _result_of(self, name: object) -> str:
        """The id of the first open call of this function, or of any."""
        for at, (made, called) in enumerate(self._open):
            if name in (None, called):
                del self._open[at]
                return made
        return self._open.pop(0)[0] if self._open else ""


def _with_pictures(message: JSON) -> JSON:
    said: JSON = {"role": message["role"], "content": message.get("content") or ""}
    images = message.get("images") or []
    if not isinstance(images, list) or not all(isinstance(each, str) for each in images):
        raise bad("images", "This is not a list of pictures in base64.")
    if images:
        parts = [{"type": "image_url", "image_url": {"url": _data_url(each)}} for each in images]
        said["content"] = [{"type": "text", "text": said["content"]}, *parts]
    return said


def _data_url(image: str) -> str:
    kinds = (kind for begins, kind in MEDIA_TYPES.items() if image.startswith(begins))
    return f"data:{next(kinds, 'image/png')};base64,{image}"


def chat_answer(asked: ParsedRequest, made: Generation) -> JSON:
    """A whole answer to `/api/chat`."""
    message = _said(asked, text_for(made) or made.refusal, made.thoughts)
    if made.tool_calls:
        message["tool_calls"] = _calls(made.tool_calls)
    return _head(asked) | {"message": message} | _end(made)


def generate_answer(asked: ParsedRequest, made: Generation) -> JSON:
    """A whole answer to `/api/generate`."""
    said = _said(asked, text_for(made) or made.refusal, made.thoughts)
    return _head(asked) | _flat(said) | _end(made)


class ChatLines:
    """Turns the pieces of a streamed answer into lines; calls come whole, as Ollama gives them."""

    flat = False  # whether the message's fields stand in the line itself

    def __init__(self, asked: ParsedRequest) -> None:
        self._asked = asked

    def begin(self) -> bytes:
        return b""

    def piece(self, delta: Delta) -> bytes:
        text = delta.text + delta.refusal
        said = _said(self._asked, text, delta.thoughts)
        return self._line(said, {"done": False}) if text or "thinking" in said else b""

    def end(self, made: Generation) -> bytes:
        """The calls, if there are any, and what it took."""
        lines = b""
        if made.tool_calls and not self.flat:
            said = {**_said(self._asked, "", ()), "tool_calls": _calls(made.tool_calls)}
            lines = self._line(said, {"done": False})
        return lines + self._line(_said(self._asked, "", ()), _end(made))

    def failure(self, shape: JSON) -> bytes:
        """An error after a stream's beginning."""
        return orjson.dumps(shape) + b"\n"

    def _line(self, said: JSON, end: JSON) -> bytes:
        told = _flat(said) if self.flat else {"message": said}
        return orjson.dumps(_head(self._asked) | told | end) + b"\n"


class GenerateLines(ChatLines):
    """The same for `/api/generate`."""

    flat = True


def _said(asked: ParsedRequest, text: str, thoughts: Any) -> JSON:
    said: JSON = {"role": "assistant", "content": text}
    thinking = "".join(each.text for each in thoughts) if asked.echo["thinks"] else ""
    return {**said, "thinking": thinking} if thinking else said


def _flat(said: JSON) -> JSON:
    told = {"response": said["content"]}
    return {**told, "thinking": said["thinking"]} if "thinking" in said else told


def _calls(calls: Any) -> list[JSON]:
    return [{"function": _function(call.get("function") or {})} for call in calls]


def _function(function: Mapping[str, Any]) -> JSON:
    try:
        arguments = orjson.loads(function.get("arguments") or "{}")
    except orjson.JSONDecodeError:
        arguments = {}
    told = arguments if isinstance(arguments, dict) else {}
    return {"name": function.get("name", ""), "arguments": told}


def _head(asked: ParsedRequest) -> JSON:
    return {"model": asked.name, "created_at": dt.datetime.now(dt.UTC).isoformat()}


def _end(made: Generation) -> JSON:
    usage, took = served_usage(made), int(made.record.latency_ms * NS_PER_MS)
    return {
        "done": True,
        "done_reason": "length" if made.record.truncated else "stop",
        "total_duration": took,
        "load_duration": 0,
        "prompt_eval_count": usage.tokens_input,
        "prompt_eval_duration": 0,
        "eval_count": usage.tokens_output,
        "eval_duration": took,
    }
