"""Answers of OpenAI's Responses, whole and heard event by event.

Source: `openai.types.responses` of OpenAI's SDK.
"""

from typing import Any

from llmconfig.client.finish_reasons import CONTENT_FILTER, TOOL_CALLS
from llmconfig.client.types import (
    NO_USAGE,
    NOT_BILLED,
    Billed,
    Delta,
    ModelUsage,
    Thought,
    UsageDetails,
)
from llmconfig.client.wire import JSON, BadReply, Reply
from llmconfig.client.wire.free_text_tools import CUSTOM
from llmconfig.client.wire.reading import object_of, text_of
from llmconfig.client.wire.responses_requests import FORMAT
from llmconfig.client.wire.running_usage import later
from llmconfig.client.wire.thinking import joined
from llmconfig.client.wire.tool_calls import whole_calls
from llmconfig.client.wire.usage import billed
from llmconfig.runtime.records import replace

REASONS = {"max_output_tokens": "length", "content_filter": CONTENT_FILTER}
# Items that a chat has places for; with others an answer is more than its translation.
CALLS = frozenset({"function_call", "custom_tool_call"})
KNOWN = frozenset({"message", "reasoning"}) | CALLS
# Where a chat has a piece of a call.
PIECES_OF_CALLS = {
    "response.function_call_arguments.delta": ("function", "arguments"),
    "response.custom_tool_call_input.delta": (CUSTOM, "input"),
}
ENDS = frozenset({"response.completed", "response.incomplete"})
# The model of OpenAI's tool that draws, which replies don't name: by this id it may have a price.
DRAWING = "image_generation"


def read_response(value: JSON) -> Reply:
    """A whole response; raises BadReply where it is none, or has not ended."""
    told = billed(value)
    output = value.get("output")
    if not isinstance(output, list):
        raise BadReply("the reply holds no output", told)
    told = _with_tools(told, value)
    status = value.get("status")
    if status not in ("completed", "incomplete", None):
        raise BadReply(f"the response is {text_of(status) or 'not ended'}", told)
    items = [object_of(each) for each in output]
    parts = [object_of(part) for each in items for part in _list(each, "content")]
    said = [part for part in parts if part.get("type") == "output_text"]
    refusal = "".join(text_of(part.get("refusal")) for part in parts)
    calls = whole_calls({"tool_calls": [_call(each) for each in items if _is_call(each)]})
    reason = object_of(value.get("incomplete_details")).get("reason")
    native_reason = REASONS.get(text_of(reason), text_of(reason) or "stop")
    finish = native_reason
    if finish == "stop":
        finish = TOOL_CALLS if calls else CONTENT_FILTER if refusal else finish
    return Reply(
        text="".join(text_of(part.get("text")) for part in said),
        finish_reason=finish,
        billed=told,
        tool_calls=calls,
        thoughts=_thoughts(items),
        refusal=refusal,
        native_reason=native_reason,
        native=value,
        untranslated=any(each.get("type") not in KNOWN for each in items),
        logprobs=tuple(row for part in said for row in _list(part, "logprobs")),
    )


def _with_tools(told: Billed, value: JSON) -> Billed:
    """With what OpenAI's own tools took, which `usage` leaves out: searches, and drawn pictures.

    Without `tool_usage` each search among the items counts; opening a page costs nothing.
    """
    if told.usage is None:
        return told
    taken = object_of(value.get("tool_usage"))
    searches = object_of(taken.get("web_search")).get("num_requests")
    if type(searches) is not int or searches < 0:
        searches = sum(map(_searched, _list(value, "output")))
    drawn = billed({"usage": object_of(taken.get("image_gen"))}).usage
    beside = (ModelUsage(DRAWING, drawn),) if drawn is not None and drawn != NO_USAGE else ()
    if not searches and not beside:
        return told
    known = told.usage.details or UsageDetails()
    details = replace(known, web_searches=searches, beside=beside)
    return replace(told, usage=replace(told.usage, details=details))


def _searched(item: JSON) -> bool:
    action = object_of(item.get("action")).get("type", "search")
    return item.get("type") == "web_search_call" and action == "search"


def _is_call(item: JSON) -> bool:
    return item.get("type") in CALLS


def _call(item: JSON) -> JSON:
    if item.get("type") == "custom_tool_call":
        said = {"name": text_of(item.get("name")), "input": text_of(item.get("input"))}
        return {"id": text_of(item.get("call_id")), "type": CUSTOM, CUSTOM: said}
    function = {"name": item.get("name"), "arguments": item.get("arguments")}
    return {"id": item.get("call_id"), "type": "function", "function": function}


def _thoughts(items: list[JSON]) -> tuple[Thought, ...]:
    found: list[Thought] = []
    for at, item in enumerate(each for each in items if each.get("type") == "reasoning"):
        found += _thoughts_of(item, at)
    return joined(found)


def _thoughts_of(item: JSON, at: int) -> list[Thought]:
    own: dict[str, Any] = {"index": at, "id": text_of(item.get("id")), "format": FORMAT}
    summary = "\n\n".join(text_of(each.get("text")) for each in _list(item, "summary"))
    found = [Thought(text=summary, kind="summary", **own)] if summary else []
    plain = "".join(text_of(each.get("text")) for each in _list(item, "content"))
    found += [Thought(text=plain, index=at)] if plain else []
    sealed = text_of(item.get("encrypted_content"))
    return found + ([Thought(data=sealed, kind="encrypted", **own)] if sealed else [])


def _list(value: JSON, name: str) -> list[JSON]:
    found = value.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


class ResponsesListener:
    """Hears one streamed response; its last event repeats the whole."""

    keeps_native = False

    def __init__(self) -> None:
        self.billed: Billed = NOT_BILLED
        self._texts: list[str] = []
        self._whole: JSON | None = None
        self._calls: dict[object, int] = {}  # by their place in the output
        self._thoughts = 0

    @property
    def text(self) -> str:
        return "".join(self._texts)

    def feed(self, event: JSON) -> Delta | None:
        kind = text_of(event.get("type"))
        response = object_of(event.get("response"))
        if response.get("usage"):
            self.billed = later(self.billed, billed(response))
        if kind in ENDS:
            self._whole = response
        delta = self._heard(kind, event)
        if not self.keeps_native:
            return delta
        return replace(delta or Delta(), native=(event,))

    def _heard(self, kind: str, event: JSON) -> Delta | None:
        said, item = text_of(event.get("delta")), object_of(event.get("item"))
        delta = None
        if kind == "response.output_text.delta":
            self._texts.append(said)
            delta = Delta(said, logprobs=tuple(_list(event, "logprobs")))
        elif kind == "response.refusal.delta":
            delta = Delta(refusal=said)
        elif kind in {"response.reasoning_summary_text.delta", "response.reasoning_text.delta"}:
            thought = "summary" if "summary" in kind else "text"
            delta = Delta(thoughts=(Thought(text=said, kind=thought, index=self._thoughts),))
        elif kind == "response.output_item.added" and _is_call(item):
            index = self._calls[event.get("output_index")] = len(self._calls)
            delta = Delta(tool_calls=({"index": index, **_begun(_call(item))},))
        elif kind in PIECES_OF_CALLS:
            index = self._calls.get(event.get("output_index"), 0)
            place, name = PIECES_OF_CALLS[kind]
            delta = Delta(tool_calls=({"index": index, place: {name: said}},))
        elif kind == "response.output_item.done":
            delta = self._reasoned(item)
        return delta

    def _reasoned(self, item: JSON) -> Delta | None:
        """What a whole thought has beside its text, which has been passed on."""
        if item.get("type") != "reasoning":
            return None
        found = [each for each in _thoughts_of(item, self._thoughts) if each.data]
        self._thoughts += 1
        return Delta(thoughts=tuple(found)) if found else None

    def end(self, *, complete: bool) -> Delta | None:
        """Nothing is held back; `complete` says nothing that its last event doesn't."""
        del complete
        return None

    def reply(self) -> Reply:
        """The whole response; raises BadReply if its last event never came."""
        if self._whole is None:
            raise BadReply("the stream ended before the answer did", self.billed)
        return read_response(self._whole)


def _begun(call: JSON) -> JSON:
    """A call before anything was said in it."""
    place, said = (CUSTOM, "input") if CUSTOM in call else ("function", "arguments")
    return {**call, place: {"name": text_of(call[place].get("name")), said: ""}}
