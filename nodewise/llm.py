"""Calls to models for a project's code: `from nodewise import llm` (docs/python-api.md).

`generate`, `stream` and `embed` are for synchronous code; the same with an `a` in front for code
on an event loop. A call names a node, an interaction type or a model; the configuration decides
who answers.
"""

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from llmconfig import client
from llmconfig.client.errors import (
    AnswerInvalid,
    BudgetExceeded,
    GenerationExhausted,
    GenerationFailed,
    GenerationRefused,
)
from llmconfig.client.types import Call, Delta, Generation, Labels, Message
from llmconfig.configuration.facts import UserKey
from llmconfig.errors import CallsDisabled, ConfigurationError, LLMError, NoTarget, UnknownNode

if TYPE_CHECKING:
    from llmconfig.client.sdk.bound_callers import BoundCaller
    from llmconfig.diagnostics.validation import ConfigurationReport

__all__ = [
    "AnswerInvalid",
    "AsyncTextStream",
    "BudgetExceeded",
    "CallOptions",
    "CallsDisabled",
    "ConfigurationError",
    "Generation",
    "GenerationExhausted",
    "GenerationFailed",
    "GenerationRefused",
    "LLMError",
    "Message",
    "NoTarget",
    "TextStream",
    "UnknownNode",
    "aembed",
    "agenerate",
    "astream",
    "embed",
    "generate",
    "get_llm",
    "stream",
    "validate_config",
]

Messages = str | Sequence[Message]
EMBEDDINGS = "embeddings"  # the interaction type that embeds unless a node is named


class CallOptions(TypedDict, total=False):
    """What a call may ask for beside its messages; what is left out the configuration decides.

    `schema` is a JSON schema that the answer has to obey. `model`, `temperature` and `max_tokens`
    go before the configuration's. `user` is the project's user, or its key, that the call is made
    for; `organization` the number of one whose budgets and figures it counts for; `tags` are kept
    with its record. `extra` goes to the provider as it is (`tools`, `stop`, `seed`). `use_cache`
    False asks anew; `deadline_s` are the seconds that the caller has.
    """

    schema: Mapping[str, Any]
    model: str
    temperature: float
    max_tokens: int
    user: Any
    organization: int
    tags: Sequence[str]
    extra: Mapping[str, Any]
    use_cache: bool
    deadline_s: float


def generate(node: str, messages: Messages, **options: Unpack[CallOptions]) -> Generation:
    """Have the node answer a text, or a list of messages; `options` as in `CallOptions`.

    The answer has `text`, `parsed` (with a schema), `tool_calls` and `record`, which tells the
    model, tokens, cost and each attempt. Raises LLMError's kinds, and RuntimeError inside an event
    loop, which it would block.
    """
    return client.generate(_call(node, messages, options))


async def agenerate(node: str, messages: Messages, **options: Unpack[CallOptions]) -> Generation:
    """As `generate`, for code on an event loop."""
    return await client.agenerate(_call(node, messages, options))


def stream(node: str, messages: Messages, **options: Unpack[CallOptions]) -> "TextStream":
    """The answer's text in pieces, as they come: print one after the other.

    Its `generation` is the whole answer once the pieces are over. Raises what `generate` raises,
    also after some pieces.
    """
    return TextStream(client.stream(_call(node, messages, options)))


def astream(node: str, messages: Messages, **options: Unpack[CallOptions]) -> "AsyncTextStream":
    """As `stream`, for `async for`."""
    return AsyncTextStream(client.astream(_call(node, messages, options)))


def embed(texts: Sequence[str], *, node: str = EMBEDDINGS) -> list[list[float]]:
    """A vector for each text, in their order; no text, no request. Raises what `generate` does."""
    return get_llm(node).embed(texts).vectors


async def aembed(texts: Sequence[str], *, node: str = EMBEDDINGS) -> list[list[float]]:
    """As `embed`, for code on an event loop."""
    return (await get_llm(node).aembed(texts)).vectors


def get_llm(node: str, user: Any = None) -> "BoundCaller":
    """An object to hold on to: the node's `generate`, `stream`, `embed`, and vendors' own clients.

    `openai()`, `async_openai()`, `anthropic()`, `async_anthropic()` and `langchain()` give those
    packages' objects, whose calls are answered by the node in this process. Raises ExtraMissing
    where the package isn't installed.
    """
    return client.get_llm(node, _key_of(user))


def validate_config() -> "ConfigurationReport":
    """Whether the configuration can serve every call, for a check before a deployment.

    The report is true or false, and has `problems` in sentences and all `findings`. Calls nobody.
    """
    from llmconfig.diagnostics import validation  # noqa: PLC0415 - servers don't need it

    return validation.validate_config()


class TextStream:
    """The pieces of an answer's text; `generation` is None until they are over.

    Whoever has enough closes it, or leaves the `with` block: that hangs up on the provider.
    """

    def __init__(self, pieces: Generator[Delta | Generation]) -> None:
        self._pieces = pieces
        self.generation: Generation | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        for piece in self._pieces:
            if isinstance(piece, Generation):
                self.generation = piece
            elif piece.text:
                return piece.text
        raise StopIteration

    def close(self) -> None:
        """Hang up; nothing happens where the answer is over."""
        self._pieces.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncTextStream:
    """The same on an event loop: `async for`, `await aclose()`, `async with`."""

    def __init__(self, pieces: AsyncGenerator[Delta | Generation]) -> None:
        self._pieces = pieces
        self.generation: Generation | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        async for piece in self._pieces:
            if isinstance(piece, Generation):
                self.generation = piece
            elif piece.text:
                return piece.text
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Hang up; nothing happens where the answer is over."""
        await self._pieces.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def _call(node: str, messages: Messages, options: CallOptions) -> Call:
    if unknown := set(options) - set(CallOptions.__annotations__):
        raise TypeError(
            f"{', '.join(sorted(unknown))}: no such option; there are"
            f" {', '.join(CallOptions.__annotations__)}."
        )
    if isinstance(messages, str):
        messages = [Message(role="user", content=messages)]
    given = {
        name: value
        for name in ("model", "temperature", "max_tokens")
        if (value := options.get(name)) is not None
    }
    return Call(
        node=node,
        messages=messages,
        schema=options.get("schema"),
        given=given,
        extra=options.get("extra", {}),
        user_id=_key_of(options.get("user")),
        labels=Labels(
            organization_id=options.get("organization"), tags=tuple(options.get("tags", ()))
        ),
        use_cache=options.get("use_cache", True),
        deadline_s=options.get("deadline_s"),
        cascades=True,
    )


def _key_of(user: Any) -> UserKey | None:
    """The key of a user; who isn't signed in has none."""
    key: UserKey | None = getattr(user, "pk", None) if hasattr(user, "pk") else user
    return key
