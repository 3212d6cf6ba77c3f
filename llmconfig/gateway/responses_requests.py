"""OpenAI's Responses requests, put into the words of a chat.

Source: `openai.types.responses.ResponseCreateParams` of OpenAI's SDK. What has no counterpart in a
chat is refused by name; mere hints stand among the record's dropped parameters.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from llmconfig.client.types import Call, NativeRequest
from llmconfig.client.wire.prompt_cache import BREAKPOINT
from llmconfig.gateway import betas, response_tools
from llmconfig.gateway.access import Caller
from llmconfig.gateway.caller_labels import labels_of
from llmconfig.gateway.reading import (
    JSON,
    MAX_MESSAGES,
    ParsedRequest,
    bad,
    given_of,
    name_of,
    schema_of,
    switch,
)
from llmconfig.runtime.ids import new_id

# Sent on under their own names.
SAME = (
    "top_p", "parallel_tool_calls", "service_tier", "user", "safety_identifier",
    "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "frequency_penalty",
    "presence_penalty",
)  # fmt: skip
# Read here, or without effect where there are no built-in tools.
READ = frozenset(
    {
        "model", "input", "instructions", "stream", "stream_options", "temperature",
        "max_output_tokens", "max_tool_calls", "tools", "tool_choice", "text", "reasoning",
        "include", "store", "metadata", "truncation", "previous_response_id", "top_logprobs", *SAME,
    }
)  # fmt: skip
NOT_OFFERED = {
    "background": "An answer comes with its request; it can be streamed.",
    "conversation": "Conversations are not kept here; use previous_response_id.",
    "image": "Only text is offered.",
    "moderation": "Answers are not moderated here.",
    "prompt": "Prompts are not kept here; send instructions and input.",
}
# Where all targets speak Responses: what would be kept at the provider.
ALWAYS_REFUSED = {each: NOT_OFFERED[each] for each in ("background", "conversation")}
# Said here, not by the caller.
OURS = frozenset(
    {"model", "stream", "stream_options", "previous_response_id", "store", "metadata", "background"}
)
REASONING = frozenset({"effort", "summary", "generate_summary"})
LOGPROBS = "message.output_text.logprobs"
FORMS = ("text", "json_object", "json_schema")
CALLS = frozenset({"function_call", "custom_tool_call"})
RESULTS = frozenset({"function_call_output", "custom_tool_call_output"})
ROLES = frozenset({"user", "assistant", "system", "developer"})
TEXTS = frozenset({"input_text", "output_text", "text"})
# Before what a provider wants back with its thoughts, in `encrypted_content`.
SEAL = "nw1."


def read_response(
    body: JSON,
    caller: Caller,
    before: Sequence[JSON] = (),
    *,
    is_native: bool = False,
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> ParsedRequest:
    """A request to `/v1/responses` as a call; raises RequestRefused.

    `before` are the items of the turns that it goes on with. With `is_native` all targets speak
    Responses, so that what a chat has no place for may go along; `headers` are the request's.
    """
    name = caller.node or name_of(body)
    _refuse_what_is_not_offered(body, ALWAYS_REFUSED if is_native else NOT_OFFERED)
    extra: JSON = {each: body[each] for each in SAME if body.get(each) is not None}
    lost = [each for each in body if each not in READ and body[each] is not None]
    if body.get("truncation") not in (None, "disabled"):
        lost.append("truncation")
    reasoning = _object(body, "reasoning")
    lost += [f"reasoning.{each}" for each in reasoning.keys() - REASONING if reasoning[each]]
    tools = response_tools.offered(body, is_native=is_native)
    lost += tools.left_out
    if tools.in_chat:
        response_tools.choose(body.get("tool_choice"), tools, extra, is_native=is_native)
    extra.update(_effort(body))
    if LOGPROBS in (body.get("include") or ()):
        extra["logprobs"] = True
        if body.get("top_logprobs") is not None:
            extra["top_logprobs"] = body["top_logprobs"]
    schema = _format(body, extra, is_native=is_native)
    wanted: Any = _messages(body, before, lost, is_native=is_native)
    call = Call(
        node=name,
        messages=wanted,
        schema=schema,
        logprobs=bool(extra.get("logprobs")),
        given=given_of(body, ("max_output_tokens",)),
        extra=extra,
        user_id=caller.user_id,
        correlation_id=new_id(),
        cache_sampled=False,  # unless it is wished
        waits=False,
        cascades=True,
        labels=labels_of("responses", caller.account, body),
        native=NativeRequest(
            "responses", _native(body, before), betas.asked_for(betas.OPENAI, headers), tuple(lost)
        ),
    )
    return ParsedRequest(
        call, name, switch(body, "stream"), echo=_echo(body), tools=tools.stands_for
    )


def seal(details: list[JSON]) -> str | None:
    """Thoughts that a provider wants back, as `encrypted_content`; None if there are none."""
    return SEAL + base64.b64encode(orjson.dumps(details)).decode() if details else None


def unseal(content: object) -> list[JSON]:
    """What `seal` was given; nothing for another server's content."""
    if not isinstance(content, str) or not content.startswith(SEAL):
        return []
    try:
        found = orjson.loads(base64.b64decode(content.removeprefix(SEAL), validate=True))
    except (binascii.Error, orjson.JSONDecodeError):
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _native(body: JSON, before: Sequence[JSON]) -> JSON:
    """The request for a provider that speaks Responses; what is kept, is kept here."""
    content = {name: value for name, value in body.items() if name not in OURS}
    given = body.get("input")
    own = [{"role": "user", "content": given}] if isinstance(given, str) else list(given or ())
    content["input"] = [each for each in (*before, *own) if not _is_foreign(each)]
    return content


def _is_foreign(item: object) -> bool:
    """Whether it is another vendor's thought, which OpenAI can't read, or one without content."""
    if not isinstance(item, dict) or item.get("type") != "reasoning":
        return False
    sealed = item.get("encrypted_content")
    return not isinstance(sealed, str) or sealed.startswith(SEAL)


def _refuse_what_is_not_offered(body: JSON, refused: Mapping[str, str]) -> None:
    for param, why in refused.items():
        if body.get(param):
            raise bad(param, why)
    include = body.get("include")
    if include is not None and not isinstance(include, list):
        raise bad("include", "This is not a list.")


# The input


def _messages(
    body: JSON, before: Sequence[JSON], lost: list[str], *, is_native: bool
) -> list[JSON]:
    """A chat's messages; adds to `lost` what of the items it has no place for."""
    conversation = _Conversation(is_native=is_native)
    instructions = body.get("instructions")
    if instructions is not None:
        if not isinstance(instructions, str):
            raise bad("instructions", "This is not a text.")
        conversation.messages.append({"role": "system", "content": instructions})
    for item in before:
        conversation.add(item, "previous_response_id")
    given = body.get("input")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    if not isinstance(given, list) or not 0 < len(given) <= MAX_MESSAGES:
        raise bad("input", f"Give a text, or a list of 1 to {MAX_MESSAGES} items.")
    for at, item in enumerate(given):
        if not isinstance(item, dict):
            raise bad(f"input[{at}]", "This is not an object.")
        conversation.add(item, f"input[{at}]")
    lost += conversation.lost
    return conversation.end()


class _Conversation:
    """Items put together to messages: an assistant's turn may be several of them."""

    def __init__(self, *, is_native: bool) -> None:
        self._is_native = is_native
        self.messages: list[JSON] = []
        self.lost: dict[str, None] = {}
        self._turn: JSON | None = None  # the assistant's, which may go on
        self._seen: list[JSON] = []  # pictures in results of tools, for the user's next turn

    def add(self, item: JSON, where: str) -> None:
        """One more item; raises Refused."""
        kind = item.get("type", "message")
        if kind in RESULTS:
            self._end_turn()
            self._result(item, where)
            return
        self._show()
        if kind == "message":
            self._message(item, where)
        elif kind in CALLS:
            call = response_tools.call_of(item, where)
            self._assistant().setdefault("tool_calls", []).append(call)
        elif kind == "reasoning":
            details = unseal(item.get("encrypted_content"))
            if details:
                if self._turn is not None and len(self._turn) > 1:
                    self._end_turn()
                self._assistant().setdefault("reasoning_details", []).extend(details)
        elif not self._is_native:
            raise bad(f"{where}.type", f"{kind!r} is not offered; only messages and functions are.")

    def end(self) -> list[JSON]:
        """All messages."""
        self._end_turn()
        self._show()
        return self.messages

    def _message(self, item: JSON, where: str) -> None:
        role = item.get("role")
        if role not in ROLES:
            raise bad(f"{where}.role", "It is user, assistant, system or developer.")
        content = _content(item.get("content"), f"{where}.content")
        if item.get("phase"):
            self.lost["input.phase"] = None
        if role != "assistant":
            self._end_turn()
            self.messages.append({"role": role, "content": content})
            return
        if self._turn is not None and ("content" in self._turn or "tool_calls" in self._turn):
            self._end_turn()
        self._assistant()["content"] = content

    def _assistant(self) -> JSON:
        if self._turn is None:
            self._turn = {"role": "assistant"}
        return self._turn

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None and ("content" in turn or "tool_calls" in turn):
            self.messages.append({"content": None, **turn})

    def _result(self, item: JSON, where: str) -> None:
        if not isinstance(item.get("call_id"), str):
            raise bad(f"{where}.call_id", "It names the call that this is the output of.")
        content = _content(item.get("output"), f"{where}.output")
        if isinstance(content, list):
            self._seen += [part for part in content if part["type"] != "text"]
            if any(BREAKPOINT in part for part in content if part["type"] == "text"):
                self.lost[f"input.{BREAKPOINT}"] = None
            content = "\n".join(part["text"] for part in content if part["type"] == "text")
        said = {"role": "tool", "tool_call_id": item["call_id"], "content": content}
        self.messages.append(said)

    def _show(self) -> None:
        if self._seen:
            self.messages.append({"role": "user", "content": self._seen})
            self._seen = []


def _content(content: object, where: str) -> str | list[JSON]:
    """One text as it is; else a list of a chat's parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise bad(where, "This is neither text nor a list of parts.")
    parts = [_part(part, f"{where}[{at}]") for at, part in enumerate(content)]
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        return str(parts[0]["text"])
    return parts


def _part(part: JSON, where: str) -> JSON:
    kind = part.get("type")
    mark = {BREAKPOINT: part[BREAKPOINT]} if part.get(BREAKPOINT) else {}
    if kind in TEXTS:
        return {"type": "text", "text": str(part.get("text", "")), **mark}
    if kind == "refusal":
        return {"type": "text", "text": str(part.get("refusal", ""))}
    if kind == "input_image" and isinstance(part.get("image_url"), str):
        detail = {"detail": part["detail"]} if part.get("detail") else {}
        return {"type": "image_url", "image_url": {"url": part["image_url"], **detail}, **mark}
    if kind == "input_file" and isinstance(part.get("file_data"), str):
        named = {"filename": part["filename"]} if part.get("filename") else {}
        return {"type": "file", "file": {"file_data": part["file_data"], **named}, **mark}
    if kind in {"input_image", "input_file"}:
        raise bad(where, "Files are not kept here; send image_url or file_data.")
    raise bad(f"{where}.type", f"{kind!r} is not offered; text, images and files are.")


# Effort, and the answer's form


def _effort(body: JSON) -> JSON:
    reasoning = _object(body, "reasoning")
    effort = reasoning.get("effort")
    return {"reasoning_effort": effort} if effort is not None else {}


def _format(body: JSON, extra: JSON, *, is_native: bool) -> JSON | None:
    """The schema that an answer must obey, None if any text or any JSON will do.

    Its name and description stay beside it where all targets have that place.
    """
    text = _object(body, "text")
    if text.get("verbosity") is not None:
        extra["verbosity"] = text["verbosity"]
    form = text.get("format")
    if form is None:
        return None
    if not isinstance(form, dict) or form.get("type") not in FORMS:
        raise bad("text.format", "Its type is text, json_object or json_schema.")
    if form["type"] == "json_schema":
        beside = {} if is_native else form
        return schema_of(form.get("schema"), "text.format.schema", beside)
    if form["type"] == "json_object":
        extra["response_format"] = {"type": "json_object"}
    return None


def _object(body: Mapping[str, Any], param: str) -> JSON:
    value = body.get(param)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad(param, "This is not an object.")
    return value


def _echo(body: JSON) -> JSON:
    """The request's parameters as an answer repeats them."""
    text, reasoning = _object(body, "text"), _object(body, "reasoning")
    parallel = body.get("parallel_tool_calls")
    return {
        "background": False,
        "frequency_penalty": body.get("frequency_penalty") or 0,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "metadata": _object(body, "metadata"),
        "parallel_tool_calls": True if parallel is None else parallel,
        "presence_penalty": body.get("presence_penalty") or 0,
        "previous_response_id": body.get("previous_response_id"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": body.get("service_tier"),
        "store": False,  # until it is known to be kept
        "temperature": body.get("temperature"),
        "text": {"format": {"type": "text"}, **text},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": response_tools.echoed(body),
        "top_logprobs": body.get("top_logprobs") or 0,
        "top_p": body.get("top_p"),
        "truncation": "disabled",
        "user": body.get("user"),
    }
