"""Objects for applications that want to hold one: a node's caller, and vendors' clients over it.

None of them goes around `generate`: what they hold is the node's name, and each call is resolved
when it is made.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from llmconfig.client import api
from llmconfig.client.pipeline.embeddings import EmbeddingCall, Embeddings
from llmconfig.client.sdk.asgi_scope import endpoint
from llmconfig.client.types import NO_LABELS, Call, Delta, Generation, Labels, Message
from llmconfig.client.wire import Input
from llmconfig.configuration.facts import UserKey
from llmconfig.errors import UnknownNode
from llmconfig.extras import from_extra
from llmconfig.models import InteractionType
from llmconfig.runtime.records import replace

if TYPE_CHECKING:
    from anthropic import Anthropic, AsyncAnthropic
    from langchain_core.embeddings import Embeddings as LangChainEmbeddings
    from langchain_core.language_models import BaseChatModel
    from openai import AsyncOpenAI, OpenAI

    from llmconfig.client.sdk.in_process import InProcessTransport

NO_KEY = "in-process"  # vendors' clients want one; nothing reads it


@dataclass(frozen=True)
class BoundCaller:
    """The client's functions for one node or interaction type, and for one user if given.

    `openai()`, `anthropic()` and `langchain()` give those packages' own objects, whose requests
    are answered in this process; whichever model their calls name, the node decides.
    """

    node: str
    user_id: UserKey | None = None
    labels: Labels = field(default=NO_LABELS)

    def call(self, messages: str | Sequence[Message], **asked: Any) -> Call:
        """The call for these messages, or for one user message; `asked` as in `records.Call`."""
        if isinstance(messages, str):
            messages = [Message(role="user", content=messages)]
        made = Call(
            node=self.node,
            messages=messages,
            user_id=self.user_id,
            labels=self.labels,
            cascades=True,
        )
        return replace(made, **asked) if asked else made

    def generate(self, messages: str | Sequence[Message], **asked: Any) -> Generation:
        """`client.generate` for this node; `asked` as in `call`."""
        return api.generate(self.call(messages, **asked))

    async def agenerate(self, messages: str | Sequence[Message], **asked: Any) -> Generation:
        """As `client.agenerate`, for the bound node and labels."""
        return await api.agenerate(self.call(messages, **asked))

    def astream(
        self, messages: str | Sequence[Message], **asked: Any
    ) -> AsyncIterator[Delta | Generation]:
        """As `client.astream`, for the bound node and labels."""
        return api.astream(self.call(messages, **asked))

    def stream(
        self, messages: str | Sequence[Message], **asked: Any
    ) -> Iterator[Delta | Generation]:
        """As `client.stream`, for the bound node and labels."""
        return api.stream(self.call(messages, **asked))

    def embed(self, inputs: Sequence[Input], extra: Mapping[str, Any] | None = None) -> Embeddings:
        """As `client.embed`, for the bound node and labels."""
        return api.embed(self._embedding(inputs, extra))

    async def aembed(
        self, inputs: Sequence[Input], extra: Mapping[str, Any] | None = None
    ) -> Embeddings:
        """As `client.aembed`, for the bound node and labels."""
        return await api.aembed(self._embedding(inputs, extra))

    def openai(self) -> "OpenAI":
        """OpenAI's own client whose calls go through the bound node; made once."""
        return self._openai

    def async_openai(self) -> "AsyncOpenAI":
        """OpenAI's asynchronous client; made once, for any event loop."""
        return self._async_openai

    def anthropic(self) -> "Anthropic":
        """Anthropic's own client whose calls go through the bound node; made once."""
        return self._anthropic

    def async_anthropic(self) -> "AsyncAnthropic":
        """Anthropic's asynchronous client; made once, for any event loop."""
        return self._async_anthropic

    def langchain(self) -> "BaseChatModel":
        """LangChain's chat model; made once. Raises ExtraMissing without `nodewise[langchain]`."""
        return self._langchain

    def langchain_embeddings(self) -> "LangChainEmbeddings":
        """LangChain's embeddings; made once. Raises ExtraMissing likewise."""
        return self._langchain_embeddings

    def _embedding(self, inputs: Sequence[Input], extra: Mapping[str, Any] | None) -> EmbeddingCall:
        return EmbeddingCall(
            node=self.node,
            inputs=inputs,
            extra=extra or {},
            user_id=self.user_id,
            labels=self.labels,
        )

    # The vendors' packages take up to a second to import: only for those who want them.

    @cached_property
    def _door(self) -> "InProcessTransport":
        from llmconfig.client.sdk.in_process import InProcessTransport  # noqa: PLC0415 - httpx2

        return InProcessTransport(endpoint(), self)

    def _http(self) -> Any:
        import httpx2  # noqa: PLC0415

        from llmconfig.client.sdk.in_process import BASE_URL, SyncTransport  # noqa: PLC0415

        return httpx2.Client(
            base_url=BASE_URL, transport=SyncTransport(self._door), trust_env=False
        )

    def _async_http(self) -> Any:
        import httpx2  # noqa: PLC0415

        from llmconfig.client.sdk.in_process import BASE_URL, AsyncTransport  # noqa: PLC0415

        return httpx2.AsyncClient(
            base_url=BASE_URL, transport=AsyncTransport(self._door), trust_env=False
        )

    @cached_property
    def _openai(self) -> "OpenAI":
        with from_extra("openai"):
            from openai import OpenAI  # noqa: PLC0415

        return OpenAI(http_client=self._http(), **_OPENAI)

    @cached_property
    def _async_openai(self) -> "AsyncOpenAI":
        with from_extra("openai"):
            from openai import AsyncOpenAI  # noqa: PLC0415

        return AsyncOpenAI(http_client=self._async_http(), **_OPENAI)

    @cached_property
    def _anthropic(self) -> "Anthropic":
        with from_extra("anthropic"):
            from anthropic import Anthropic  # noqa: PLC0415

        return Anthropic(http_client=self._http(), **_ANTHROPIC)

    @cached_property
    def _async_anthropic(self) -> "AsyncAnthropic":
        with from_extra("anthropic"):
            from anthropic import AsyncAnthropic  # noqa: PLC0415

        return AsyncAnthropic(http_client=self._async_http(), **_ANTHROPIC)

    @cached_property
    def _langchain(self) -> "BaseChatModel":
        made: BaseChatModel = _langchain_openai().ChatOpenAI(
            model=self.node,
            http_client=self._http(),
            http_async_client=self._async_http(),
            stream_usage=True,
            use_responses_api=False,
            **_OPENAI,
        )
        return made

    @cached_property
    def _langchain_embeddings(self) -> "LangChainEmbeddings":
        made: LangChainEmbeddings = _langchain_openai().OpenAIEmbeddings(
            model=self.node,
            http_client=self._http(),
            http_async_client=self._async_http(),
            # Else it asks the network for OpenAI's tokens, which other models don't have.
            check_embedding_ctx_length=False,
            **_OPENAI,
        )
        return made


_OPENAI: dict[str, Any] = {
    "api_key": NO_KEY,
    "base_url": "http://in-process/v1",
    "max_retries": 0,  # `generate` repeats what is worth it
}
_ANTHROPIC: dict[str, Any] = {
    "api_key": NO_KEY,
    "base_url": "http://in-process",
    "max_retries": 0,
}


def preload(*packages: str) -> None:
    """Import what the objects of these VENDORS need, so that no request waits for it.

    Raises ExtraMissing when one isn't installed, KeyError for another name.
    """
    caller = get_llm(InteractionType.REASONING.value)
    for name in packages:
        for warm in VENDORS[name]:
            warm(caller)


VENDORS: Mapping[str, Sequence[Callable[[BoundCaller], object]]] = MappingProxyType(
    {  # OpenAI's client imports what a call needs when it is first asked for
        "openai": (
            lambda caller: caller.openai().chat.completions,
            lambda caller: caller.async_openai().chat.completions,
        ),
        "anthropic": (
            lambda caller: caller.anthropic().messages,
            lambda caller: caller.async_anthropic().messages,
        ),
        "langchain": (BoundCaller.langchain, BoundCaller.langchain_embeddings),
    }
)


def _langchain_openai() -> Any:
    with from_extra("langchain"):
        import langchain_openai  # noqa: PLC0415
    return langchain_openai


@lru_cache(maxsize=1024)
def get_llm(node: str, user_id: UserKey | None = None) -> BoundCaller:
    """The caller of a node, an interaction type or a model reference; the same one each time."""
    return BoundCaller(node, user_id)


def get_llm_for_interaction(interaction_type: str, user_id: UserKey | None = None) -> BoundCaller:
    """The caller of an interaction type (`reasoning`, `tools`…); raises UnknownNode."""
    if interaction_type not in InteractionType.values:
        raise UnknownNode(
            f"{interaction_type!r} is no interaction type; they are"
            f" {', '.join(InteractionType.values)}."
        )
    return get_llm(interaction_type, user_id)


def get_embeddings_model(user_id: UserKey | None = None) -> BoundCaller:
    """The caller of the interaction type `embeddings`."""
    return get_llm(InteractionType.EMBEDDINGS.value, user_id)
