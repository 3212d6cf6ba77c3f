"""The output of a response as it grows: messages, calls of functions, reasoning.

Source: `openai.types.responses.ResponseOutputItem` of OpenAI's SDK.
"""

from collections.abc import Hashable, Mapping, Sequence

import orjson

from llmconfig.client.types import Thought
from llmconfig.client.wire.free_text_tools import CUSTOM, text_in
from llmconfig.client.wire.thinking import joined, to_details
from llmconfig.client.wire.tool_choice import name_of_tool
from llmconfig.gateway.reading import JSON, ParsedRequest
from llmconfig.gateway.response_tools import CallersTool
from llmconfig.gateway.responses_requests import seal

DONE, OPEN, CUT = "completed", "in_progress", "incomplete"


class OutputItem:
    """One item of the output; `place` is its index."""

    kind = ""

    def __init__(self, place: int, owner: str) -> None:
        self.place = place
        self.id = f"{self.kind}_{owner}{place}"

    def whole(self, status: str) -> JSON:
        """The item as far as it goes."""
        raise NotImplementedError


class OutputMessage(OutputItem):
    """What the model says: parts of text, or of a refusal."""

    kind = "msg"

    def __init__(self, place: int, owner: str) -> None:
        super().__init__(place, owner)
        self.parts: list[tuple[str, list[str]]] = []  # `output_text` or `refusal`, and its pieces
        self.logprobs: dict[int, list[JSON]] = {}  # of a part's tokens

    def part(self, at: int, *, empty: bool = False) -> JSON:
        """One part of its content."""
        kind, pieces = self.parts[at]
        text = "" if empty else "".join(pieces)
        if kind == "refusal":
            return {"type": kind, "refusal": text}
        return {
            "type": kind,
            "text": text,
            "annotations": [],
            "logprobs": self.logprobs.get(at, []),
        }

    def whole(self, status: str) -> JSON:
        content = [] if status == OPEN else [self.part(at) for at in range(len(self.parts))]
        facts = {"id": self.id, "type": "message", "role": "assistant"}
        return {**facts, "status": status, "content": content}


class OutputCall(OutputItem):
    """A call of one of the caller's tools; `arguments` may be a free text as it is."""

    kind = "fc"

    def __init__(
        self, place: int, owner: str, call: JSON, tools: Mapping[str, CallersTool]
    ) -> None:
        name = name_of_tool(call)
        self.is_text = CUSTOM in call
        self.tool = tools.get(name) or CallersTool(name, takes_text=self.is_text)
        if self.tool.takes_text:
            self.kind = "ctc"
        super().__init__(place, owner)
        self.call_id = call.get("id", "")
        self.arguments = ""

    @property
    def said(self) -> JSON:
        """What it was called with, under its name."""
        if self.tool.takes_text:
            return {"input": self.arguments if self.is_text else text_in(self.arguments)}
        return {"arguments": self.arguments}

    def add(self, call: JSON) -> None:
        """A part of what it was called with."""
        part = call.get(CUSTOM) or call.get("function") or {}
        self.arguments += part.get("input" if self.is_text else "arguments") or ""

    def empty(self) -> JSON:
        """The item at its beginning, before anything was said in it."""
        return self.whole(OPEN) | dict.fromkeys(self.said, "")

    @property
    def comes_in_pieces(self) -> bool:
        """Whether each piece can be told when it comes."""
        return self.is_text or not self.tool.takes_text

    @property
    def ends(self) -> bool:
        """Whether nothing can follow what it has."""
        if self.is_text:
            return False
        try:
            orjson.loads(self.arguments)
        except orjson.JSONDecodeError:
            return False
        return True

    def whole(self, status: str) -> JSON:
        tool = self.tool
        facts = {"id": self.id, "call_id": self.call_id, "name": tool.name, **self.said}
        if tool.namespace:
            facts["namespace"] = tool.namespace
        if tool.takes_text:
            return {"type": "custom_tool_call", **facts}
        return {"type": "function_call", "status": status, **facts}


class OutputReasoning(OutputItem):
    """Thoughts: as a summary where the caller asks for one, else as they are."""

    kind = "rs"

    def __init__(self, place: int, owner: str, *, summarized: bool) -> None:
        super().__init__(place, owner)
        self.summarized = summarized
        self.pieces: list[Thought] = []
        self.told = False  # whether a part of the text was begun

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(each.text for each in self.pieces)

    @property
    def part(self) -> JSON:
        """Its only part."""
        kind = "summary_text" if self.summarized else "reasoning_text"
        return {"type": kind, "text": self.text}

    def whole(self, status: str) -> JSON:
        told = [self.part] if self.text and status != OPEN else []
        item: JSON = {"id": self.id, "type": "reasoning", "status": status, "summary": []}
        item |= {"summary": told} if self.summarized else {"content": told}
        sealed = seal(to_details(joined(self.pieces))) if status != OPEN else None
        return item | {"encrypted_content": sealed} if sealed else item


def _whole_row(row: JSON) -> JSON:
    """A chat's row of a token with every field that OpenAI's type asks for."""
    alternatives = [each for each in row.get("top_logprobs") or () if isinstance(each, dict)]
    return _token(row) | {"top_logprobs": [_token(each) for each in alternatives]}


def _token(row: JSON) -> JSON:
    token = str(row.get("token", ""))
    told = row.get("bytes")
    found = told if isinstance(told, list) else list(token.encode("utf-8", "replace"))
    return {"token": token, "bytes": found, "logprob": row.get("logprob")}


def without_bytes(rows: Sequence[JSON]) -> list[JSON]:
    """Rows as events have them."""
    return [
        {name: value for name, value in row.items() if name != "bytes"}
        | {"top_logprobs": [_without(each) for each in row.get("top_logprobs") or ()]}
        for row in rows
    ]


def _without(row: JSON) -> JSON:
    return {name: value for name, value in row.items() if name != "bytes"}


class OutputItems:
    """The output as it grows; each method gives the item that it changed."""

    def __init__(self, asked: ParsedRequest) -> None:
        correlation_id = asked.call.correlation_id
        self._owner = correlation_id.hex if correlation_id else ""
        self._tools = asked.tools
        self._summarized = bool(asked.echo["reasoning"]["summary"])
        self.all: list[OutputItem] = []
        self.open: dict[Hashable, OutputItem] = {}

    def think(self, thought: Thought) -> OutputReasoning:
        """A thought or a piece of one."""
        item = self.open.get("thoughts")
        if not isinstance(item, OutputReasoning):
            item = OutputReasoning(len(self.all), self._owner, summarized=self._summarized)
            self._add("thoughts", item)
        item.pieces.append(thought)
        return item

    def say(self, kind: str, text: str, logprobs: Sequence[JSON] = ()) -> OutputMessage:
        """A piece of the answer or of a refusal."""
        item = self.open.get("message")
        if not isinstance(item, OutputMessage):
            item = OutputMessage(len(self.all), self._owner)
            self._add("message", item)
        if not item.parts or item.parts[-1][0] != kind:
            item.parts.append((kind, []))
        item.parts[-1][1].append(text)
        if logprobs:
            item.logprobs.setdefault(len(item.parts) - 1, []).extend(map(_whole_row, logprobs))
        return item

    def call(self, call: JSON) -> OutputCall:
        """A call of a function, or a part of its arguments."""
        key = ("call", call.get("index", 0))
        item = self.open.get(key)
        if not isinstance(item, OutputCall):
            item = OutputCall(len(self.all), self._owner, call, self._tools)
            self._add(key, item)
        item.add(call)
        return item

    def over(self, key: Hashable) -> list[OutputItem]:
        """The items that are whole now that the one by this key begins; they are open no more."""
        if key in self.open:
            return []
        ended = [
            each
            for each, item in self.open.items()
            if not isinstance(item, OutputCall) or item.ends
        ]
        return [self.open.pop(each) for each in ended]

    def status(self, item: OutputItem, *, cut: bool) -> str:
        """Its status at the end; a limit that cut the answer off cut what was still open."""
        return CUT if cut and item in self.open.values() else DONE

    def _add(self, key: Hashable, item: OutputItem) -> None:
        self.over(key)
        self.all.append(item)
        self.open[key] = item
