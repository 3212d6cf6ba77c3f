"""How providers are spoken to: one small adapter per wire format.

An adapter turns what is asked into address, headers and body, and a reply into our words. It knows
nothing of sockets, retries or prices, and keeps nothing between calls.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct, field

from llmconfig.client.structured_output import OutputSchema
from llmconfig.client.types import (
    NO_USAGE,
    NOT_BILLED,
    Billed,
    Delta,
    Message,
    NativeRequest,
    SharedPrefix,
    Thought,
    Tokens,
    Usage,
)
from llmconfig.configuration.facts import ProviderFacts
from llmconfig.configuration.resolution import Target
from llmconfig.secrets import Secret

JSON = dict[str, Any]
# The limit on an answer's tokens under every name that servers take it by.
TOKEN_LIMIT_NAMES = frozenset(
    {
        "max_completion_tokens",
        "max_gen_len",
        "max_length",
        "max_new_tokens",
        "max_output_tokens",
        "max_tokens",
        "max_tokens_to_sample",
        "maxOutputTokens",
        "n_predict",
        "num_predict",
    }
)
# Objects in which servers look for the same names.
LIMIT_HOLDERS = (
    "options",
    "parameters",
    "sampling_params",
    "generation_config",
    "generationConfig",
)
Input = str | list[int]  # a text, or the tokens of one


class Question(Struct, frozen=True):
    """What is asked of one target, in OpenAI's words; an adapter puts it in its own.

    `shape` is set when an answer must obey a schema; `obeys` tells whether the model can be given
    it, else it is spelled out in the prompt and checked here. `native` is the caller's own request
    where this wire is the one that it was written for; `added` are the last of the messages, which
    came to it here; `translated` says that the caller wrote it for another wire. `choices` answers
    are wanted.
    """

    target: Target
    messages: Sequence[Message]
    extra: Mapping[str, Any]
    shape: OutputSchema | None = None
    logprobs: bool = False
    refused: frozenset[str] = frozenset()  # see wire.refused_parameters
    native: NativeRequest | None = None
    added: Sequence[Message] = ()
    translated: bool = False
    prefix: SharedPrefix | None = None  # see wire.prompt_cache
    choices: int = 1

    @property
    def reports_logprobs(self) -> bool:
        """Whether token probabilities are asked for, and the model tells them."""
        model = self.target.candidate.model
        return self.logprobs and model is not None and model.supports_logprobs

    @property
    def obeys(self) -> bool:
        """Whether the model obeys schemas by itself."""
        model = self.target.candidate.model
        return model is not None and model.supports_json_schema


class Body(Struct, frozen=True):
    """A request's JSON, and the parameters that this wire could not carry.

    `carried` are parameters of another vendor's words that it has a place for after all.
    """

    content: JSON
    dropped: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()


class Reply(Struct, frozen=True):
    """A provider's answer, and in `billed` what it says of tokens and money.

    `finish_reason` is in OpenAI's words where it has one (see finish_reasons.py), `native_reason`
    the provider's own. `text` is the answer alone:
    `thoughts` and a `refusal` stand beside it. `native` is the whole reply as it came;
    `untranslated` says that it holds parts which the other fields have no place for. `others` are
    further answers of the same reply, where several were asked for.
    """

    text: str
    finish_reason: str | None
    billed: Billed = NOT_BILLED
    tool_calls: tuple[JSON, ...] = field(default_factory=tuple)
    tokens: Tokens = ()
    thoughts: tuple[Thought, ...] = ()
    refusal: str = ""
    native_reason: str | None = None
    stop_sequence: str | None = None
    native: JSON | None = None
    untranslated: bool = False
    logprobs: tuple[JSON, ...] = ()  # OpenAI's rows of tokens
    others: tuple["Reply", ...] = ()

    @property
    def counted(self) -> bool:
        """Whether its usage was there and made sense."""
        return self.billed.usage is not None

    @property
    def usage(self) -> Usage:
        """The tokens that it counted, none where that was absent or absurd."""
        return self.billed.usage or NO_USAGE


class Refusal(Struct, frozen=True):
    """What a provider says when it doesn't answer; `codes` are its own names for the reason.

    `parameter` is the part of the request that it names in a field of its own, blank if it doesn't.
    """

    message: str
    codes: frozenset[str]
    status: int | None = None  # that the body names; the only one when the reply said 200
    retry_after_s: float | None = None
    parameter: str = ""


class BadReply(Exception):
    """A reply that can't be understood; `billed` says what it costs all the same."""

    def __init__(self, reason: str, billed: Billed = NOT_BILLED) -> None:
        super().__init__(reason)
        self.billed = billed


class Embedded(Reply, frozen=True):
    """A reply that holds a vector for each input, in the order of the inputs."""

    vectors: tuple[list[float], ...] = ()


class Listener(Protocol):
    """Hears one streamed answer, event by event."""

    keeps_native: bool  # set by whoever wants `Delta.native`

    @property
    def billed(self) -> Billed:
        """What the provider has told of its price so far."""

    @property
    def text(self) -> str:
        """The text of the answer as far as it has come."""

    def feed(self, event: JSON) -> Delta | None:
        """Take the next event; gives what it adds to the answer, if anything. Raises BadReply."""

    def end(self, *, complete: bool) -> Delta | None:
        """After the last event: what was still held. `complete`: the server said that it's all."""

    def reply(self) -> Reply:
        """The whole answer after `end`; raises BadReply if its end never came."""


class Wire(Protocol):
    """One wire format: builds requests and reads answers, without any I/O."""

    @property
    def name(self) -> str:
        """What `NativeRequest.wire` and provider types call it."""

    @property
    def count_path(self) -> str:
        """Behind the chat's address, where a request's tokens are counted; blank if nowhere."""

    def address(self, provider: ProviderFacts, model_id: str) -> str:
        """Where chat requests for this model go."""

    def headers(self, provider: ProviderFacts, key: Secret | None) -> dict[str, str]:
        """The headers of its requests, the key's among them."""

    def body(self, question: Question) -> Body:
        """The request's body for one target, ready to be serialized."""

    def usual(self, value: Any) -> Reply | None:
        """The answer in the form that nearly all replies with status 200 have; None for others.

        Neither `refusal` nor `read` says anything else of such a reply.
        """

    def read(self, value: JSON) -> Reply:
        """The answer in a reply with status 200; raises BadReply."""

    def own_words(self, native: JSON) -> JSON | None:
        """What of a reply as it came is handed on to callers of this wire; None for nothing."""

    def refusal(self, value: Any, *, good: bool = True) -> Refusal | None:
        """The error in a reply's JSON value, None if there is none. `good`: its status was 200."""

    def streamed(self, content: JSON) -> JSON:
        """The request that asks for the same answer as a stream of events."""

    def listener(self) -> Listener:
        """Somebody who hears one streamed answer."""

    def embedding_address(self, provider: ProviderFacts, model_id: str) -> str:
        """Where embedding requests for this model go; blank if there is no such thing."""

    def embedding_body(self, question: Question, inputs: Sequence[Input]) -> Body:
        """The request for a vector for each input."""

    def read_embeddings(self, value: JSON, expected: int) -> Embedded:
        """As many vectors as expected; raises BadReply."""
