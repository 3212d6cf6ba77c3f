"""What a message or a piece of one says: text, thoughts and a refusal, in whatever form it came."""

from typing import Any

from msgspec import Struct, field

from llmconfig.client.types import Thought, Tokens
from llmconfig.client.wire import JSON, BadReply
from llmconfig.client.wire.reading import object_of, text_of
from llmconfig.client.wire.thinking import of_details

# Fields of their own for thoughts; where a server fills several, they say the same.
THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking")
THOUGHT_PLACES = frozenset({"reasoning_details", *THOUGHT_FIELDS})
TEXT_PARTS = frozenset({"text", "output_text", "input_text", None})
THOUGHT_PARTS = frozenset({"thinking", "reasoning", "reasoning_text"})


class Spoken(Struct):
    """The parts of a message; `text` is not yet told apart from thoughts in tags."""

    text: str = ""
    refusal: str = ""
    thoughts: list[Thought] = field(default_factory=list)


def spoken_in(message: JSON) -> Spoken:
    """What a message in OpenAI's shape says; raises BadReply for content of no known form."""
    refusal = message.get("refusal")
    spoken = Spoken(refusal=text_of(refusal) if refusal else "")
    if not THOUGHT_PLACES.isdisjoint(message):
        spoken.thoughts = _thoughts_in(message)
    _read_content(message.get("content"), spoken)
    return spoken


def _thoughts_in(message: JSON) -> list[Thought]:
    thoughts = of_details(message.get("reasoning_details"))
    if not any(each.text for each in thoughts):
        said = next((found for name in THOUGHT_FIELDS if (found := _flat(message.get(name)))), "")
        if said:
            thoughts.insert(0, Thought(text=said))
    return thoughts


def _read_content(content: object, spoken: Spoken) -> None:
    if content is None:
        return
    if isinstance(content, str):
        spoken.text = text_of(content)
        return
    parts: list[Any] = content if isinstance(content, list) else [content]
    if not all(isinstance(part, str | dict) for part in parts):
        raise BadReply("the content is neither text nor a list of parts")
    texts = []
    for part in parts:
        if isinstance(part, str):
            texts.append(text_of(part))
            continue
        kind = part.get("type")
        if kind in TEXT_PARTS:
            texts.append(_flat(part.get("text", part.get("content"))))
        elif kind in THOUGHT_PARTS:
            spoken.thoughts.append(
                Thought(
                    text=_flat(part.get(str(kind), part.get("text", part.get("summary")))),
                    signature=text_of(part.get("signature")),
                )
            )
        elif kind == "redacted_thinking":
            spoken.thoughts.append(Thought(kind="encrypted", data=text_of(part.get("data"))))
        elif kind == "refusal":
            spoken.refusal += _flat(part.get("refusal"))
    spoken.text = "".join(texts)


def _flat(value: object) -> str:
    """A text, or the texts of a list of parts; blank for anything else."""
    if isinstance(value, list):
        return "".join(map(_flat, value))
    if isinstance(value, dict):
        return _flat(object_of(value).get("text", value.get("value")))
    return text_of(value)


def tokens_of_answer(tokens: Tokens, text: str) -> Tokens:
    """The tokens without those of the thoughts before the answer."""
    joined = b"".join(token for token, _ in tokens)
    before = joined.rfind(text.encode("utf-8", "replace"))
    if before <= 0:
        return tokens
    size = 0
    for first, (token, _) in enumerate(tokens):
        size += len(token)
        if size > before:
            return tokens[first:]
    return ()
