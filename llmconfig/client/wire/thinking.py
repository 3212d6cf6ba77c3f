"""What models think before they answer, told apart from the answer.

Thoughts come in fields of their own (`reasoning_content`, `reasoning`, `reasoning_details`), as
parts of the content, or in tags at the beginning of the text, where servers run without a parser
for the model.
"""

from collections.abc import Iterable

from llmconfig.client.types import Thought
from llmconfig.client.wire import JSON
from llmconfig.client.wire.tags import QUOTES, Tags
from llmconfig.runtime.records import replace

TAGS = {
    "<think>": "</think>",  # DeepSeek, Qwen, MiniMax, GLM
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",  # Gemini at its OpenAI address, with include_thoughts
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",  # Seed-OSS
    "[THINK]": "[/THINK]",  # Magistral
    "◁think▷": "◁/think▷",  # Kimi-VL
    # gpt-oss, whose format gives each message a channel (OpenAI's document on harmony)
    "<|channel|>analysis<|message|>": "<|end|>",
    "<|channel|>commentary<|message|>": "<|end|>",
    "<|start|>assistant<|channel|>analysis<|message|>": "<|end|>",
    "<|start|>assistant<|channel|>commentary<|message|>": "<|end|>",
}
# What may stand before its answer.
_ANSWER_BEGINS = (
    "<|channel|>final<|message|>",
    "<|start|>assistant<|channel|>final<|message|>",
)
_CLOSING = tuple(closing for closing in TAGS.values() if closing != "<|end|>")
_BEGINNINGS = (*TAGS, *_ANSWER_BEGINS, *_CLOSING)
_TAG_BEGINS = frozenset(tag[0] for tag in (*_BEGINNINGS, *TAGS.values()))
_ENDS = {closing: Tags([closing]) for closing in TAGS.values()}
_ANY_END = Tags(_CLOSING)
# gpt-oss behind a server that leaves the control tokens out and their words in.
_BARE_ANALYSIS, _BARE_FINAL = "analysis", "assistantfinal"
_HINTS = ("think", "THINK", "thought>", "reasoning>", "<|channel|>", _BARE_FINAL)
_JSON_BEGINS = frozenset("{[")


class ThoughtSplitter:
    """Tells thoughts from the answer in a text that comes in pieces, wherever they are cut.

    Tags count at the beginning of the text only: behind the first word of the answer they are a
    part of it. What may become a tag waits for the next piece.

    A closing tag alone ends the thoughts too: the opening one then stood in the prompt's template.
    What stood before it has passed as text by then; `split` tells it apart in the whole.
    """

    __slots__ = ("_before", "_buffer", "_closing", "_in_answer", "_sealed", "_taken")

    def __init__(self) -> None:
        self._buffer = ""
        self._before = ""  # the last character that has passed as text
        self._closing = ""  # the tag that ends the thought which is open
        self._in_answer = False
        self._sealed = False  # no further tag counts
        self._taken = False  # whether there was a thought

    def feed(self, piece: str) -> tuple[str, str]:
        """What may pass now: of the answer, and of thoughts."""
        if self._sealed and not self._buffer:
            return piece, ""
        self._buffer += piece
        answer, thought = "", ""
        going = True
        while going and self._buffer:
            if self._in_answer:
                passed, going = self._pass_answer()
                answer += passed
            elif self._closing:
                passed, going = self._pass_thought()
                thought += passed
            else:
                going = self._begin()
        self._before = answer[-1:] or self._before
        return answer, thought

    def passes(self, piece: str) -> bool:
        """Take a piece that passes as it is: the answer goes on, and no tag can be in it.

        False takes nothing: `feed` has to look.
        """
        if (
            self._buffer
            or not self._in_answer
            or not (self._sealed or _TAG_BEGINS.isdisjoint(piece))
        ):
            return False
        self._before = piece[-1:] or self._before
        return True

    def end(self) -> tuple[str, str]:
        held, self._buffer = self._buffer, ""
        if self._closing:
            return "", held
        if self._in_answer and not self._sealed:
            found = _closing_alone(self._before + held)
            if found is not None:
                return held[: found[0] - len(self._before)], ""
        return (held.lstrip() if self._taken and not self._in_answer else held), ""

    def _begin(self) -> bool:
        """Look at the beginning of what isn't told apart yet; false to wait for more."""
        text = self._buffer.lstrip()
        if not text:
            return False
        for opening, closing in TAGS.items():
            if text.startswith(opening):
                self._closing, self._taken = closing, True
                self._buffer = text[len(opening) :]
                return True
        for beginning in _ANSWER_BEGINS:
            if text.startswith(beginning):
                self._buffer = text = text[len(beginning) :]
                self._taken = True
        if any(tag.startswith(text) and tag != text for tag in _BEGINNINGS):
            return False
        self._in_answer = True
        self._sealed = self._taken or text[0] in _JSON_BEGINS
        if self._taken:
            self._buffer = text
        return True

    def _pass_thought(self) -> tuple[str, bool]:
        thought, closing, rest = self._buffer.partition(self._closing)
        if closing:
            self._buffer, self._closing = rest, ""
            return thought, True
        return self._pass_all_but(_ENDS[self._closing].begun(self._buffer)), False

    def _pass_answer(self) -> tuple[str, bool]:
        if self._sealed:
            return self._pass_all_but(0), False
        whole = self._before + self._buffer
        found = _closing_alone(whole)
        if found is None:
            return self._pass_all_but(_ANY_END.begun(self._buffer)), False
        start, end = (each - len(self._before) for each in found)
        if end == len(self._buffer):  # a quotation mark may follow
            return self._pass_all_but(len(self._buffer) - start), False
        passed, self._buffer = self._buffer[:start], self._buffer[end:]
        self._taken, self._in_answer = True, False
        return passed, True

    def _pass_all_but(self, held: int) -> str:
        passed = self._buffer[: len(self._buffer) - held]
        self._buffer = self._buffer[len(passed) :]
        return passed


def may_hold_thoughts(text: str) -> bool:
    """Whether any tag of thoughts may be in a text."""
    for hint in _HINTS:  # noqa: SIM110 - `any` takes three times as long
        if hint in text:
            return True
    return False


def split(text: str) -> tuple[str, str]:
    """The answer and the thoughts in a whole text.

    A closing tag alone counts unless it is quoted, or the text begins as JSON does.
    """
    if not may_hold_thoughts(text):
        return text, ""
    begin = text.lstrip()
    if begin.startswith((*TAGS, *_ANSWER_BEGINS)):
        splitter = ThoughtSplitter()
        answer, thought = splitter.feed(text)
        rest, held = splitter.end()
        return answer + rest, thought + held
    if begin.startswith(_BARE_ANALYSIS) and _BARE_FINAL in begin:
        thought, _, answer = begin.removeprefix(_BARE_ANALYSIS).partition(_BARE_FINAL)
        return answer.lstrip(), thought
    found = _closing_alone(text)
    if found is None or begin[:1] in _JSON_BEGINS:
        return text, ""
    start, end = found
    again, more = split(text[end:].lstrip())
    return again, text[:start] + more


def _closing_alone(text: str) -> tuple[int, int] | None:
    """Where the first closing tag stands that isn't quoted."""
    if _TAG_BEGINS.isdisjoint(text):
        return None
    found = []
    for tag in _CLOSING:
        at = text.find(tag)
        while at >= 0:
            end = at + len(tag)
            if text[max(0, at - 1) : at] not in QUOTES and text[end : end + 1] not in QUOTES:
                found.append((at, end))
                break
            at = text.find(tag, end)
    return min(found, default=None)


def joined(pieces: Iterable[Thought]) -> tuple[Thought, ...]:
    """The pieces of thoughts put together to whole ones, in the order in which they began."""
    whole: dict[tuple[int, str, int], Thought] = {}
    for piece in pieces:
        # Data that only the provider can read comes in one piece: each is a thought of its own.
        key = (piece.index, piece.kind, len(whole) if piece.data else -1)
        held = whole.get(key)
        whole[key] = piece if held is None else _together(held, piece)
    return tuple(whole.values())


def _together(held: Thought, piece: Thought) -> Thought:
    return replace(
        held,
        text=held.text + piece.text,
        signature=held.signature + piece.signature,
        id=held.id or piece.id,
        format=held.format or piece.format,
    )


def of_details(entries: object) -> list[Thought]:
    """The thoughts in OpenRouter's `reasoning_details`."""
    if not isinstance(entries, list):
        return []
    found = [_of_detail(entry, at) for at, entry in enumerate(entries) if isinstance(entry, dict)]
    return [each for each in found if each.text or each.data or each.signature]


def _of_detail(entry: JSON, at: int) -> Thought:
    kind = _text(entry.get("type")).removeprefix("reasoning.")
    index = entry.get("index")
    return Thought(
        text=_text(entry.get("text")) or _text(entry.get("summary")),
        signature=_text(entry.get("signature")),
        data=_text(entry.get("data")),
        kind=kind if kind in {"summary", "encrypted"} else "text",
        index=index if type(index) is int and index >= 0 else at,
        id=_text(entry.get("id")),
        format=_text(entry.get("format")),
    )


def to_details(thoughts: Iterable[Thought]) -> list[JSON]:
    """The same in OpenRouter's form, for those whose signature or data the provider wants back."""
    return [_to_detail(each) for each in thoughts if each.signature or each.data or each.id]


def _to_detail(thought: Thought) -> JSON:
    detail: JSON = {"type": f"reasoning.{thought.kind}", "index": thought.index}
    if thought.kind == "encrypted":
        detail["data"] = thought.data
    elif thought.kind == "summary":
        detail["summary"] = thought.text
    else:
        detail["text"] = thought.text
    for name in ("signature", "id", "format"):
        value = getattr(thought, name)
        if value:
            detail[name] = value
    return detail


def _text(value: object) -> str:
    return value.replace("\0", "") if isinstance(value, str) else ""
