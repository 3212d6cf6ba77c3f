"""The frozen plain facts of calls: what was asked, each attempt, and how it ended.

Nothing here holds an ORM object, a key, or a text of prompt or answer in a record.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypedDict
from uuid import UUID

from msgspec import Struct, field

from llmconfig.configuration.facts import UserKey
from llmconfig.runtime.ids import new_id

# The tokens of an answer in order: their UTF-8 bytes, and the logarithm of their probability.
Tokens = tuple[tuple[bytes, float], ...]


class Message(TypedDict, total=False):
    """One chat message in OpenAI's words; `content` is text or a list of parts."""

    role: str
    content: Any
    name: str
    tool_calls: list[dict[str, Any]]
    tool_call_id: str


class UsageDetails(Struct, frozen=True):
    """What may have a price of its own: some tokens of each bucket, and what isn't tokens at all.

    `cache_write_1h` is a part of `Usage.cache_write`, `audio_input` and `image_input` of `input`,
    `audio_cached` and `image_cached` of `cached_input`, `audio_output` and `image_output` of
    `output`; none exceeds its bucket. `audio_seconds` of a prompt that is billed by time;
    `web_searches` that the provider made for the answer. `inference_geo` is the region that the
    provider kept to, where that has its price; `beside` is what other models took for the answer,
    which no bucket has.
    """

    cache_write_1h: int = 0
    audio_input: int = 0
    audio_cached: int = 0
    audio_output: int = 0
    image_input: int = 0
    image_cached: int = 0
    image_output: int = 0
    audio_seconds: int = 0
    web_searches: int = 0
    inference_geo: str = ""
    beside: tuple["ModelUsage", ...] = ()


class Usage(Struct, frozen=True):
    """Tokens in disjoint buckets: no token is in two of them.

    `input` excludes what was read from or written to the provider's cache, and `output` excludes
    reasoning. All vendors' words are brought to this shape (`client.wire.usage`). `details` is None
    where every token has its bucket's price.
    """

    input: int = 0
    cached_input: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    details: UsageDetails | None = None

    @property
    def tokens_input(self) -> int:
        """All tokens of the prompt, cached ones included."""
        return self.input + self.cached_input + self.cache_write

    @property
    def tokens_output(self) -> int:
        """All tokens of the answer, reasoning included."""
        return self.output + self.reasoning


class ModelUsage(Struct, frozen=True):
    """What another model of the same provider took for an answer, at its own price."""

    model: str
    usage: Usage


NO_USAGE = Usage()


class Billed(Struct, frozen=True):
    """What a reply says about its price.

    `usage` is None where it was absent or absurd. `cost_usd` is what the provider itself reports,
    None if it doesn't. `service_tier` is the one that the reply names, blank for the standard one;
    `names_tier` says whether it names any.
    """

    usage: Usage | None = None
    cost_usd: Decimal | None = None
    service_tier: str = ""
    names_tier: bool = False


NOT_BILLED = Billed()
# Where an attempt's cost comes from.
REPORTED, PRICED, ESTIMATED, UNKNOWN = "reported", "priced", "estimated", "unknown"
# Outcomes of attempts that were surely billed, even if the reply didn't say how much.
ANSWERED = frozenset({"ok", "invalid_answer"})


class Labels(Struct, frozen=True):
    """Opaque facts of the caller, handed through to the record."""

    service_name: str = "application"
    operation_type: str = ""
    session_id: UUID | None = None
    organization_id: int | None = None
    account: str = ""  # whose budget it counts for, such as an API key's name
    prompt_version: int | None = None  # of the operation's prompt, for what tells versions apart
    end_user: str = ""  # whom the caller serves, in its own words
    tags: tuple[str, ...] = ()  # each once
    metadata: Mapping[str, str] | None = None  # the caller's own pairs; None where it gave none


NO_LABELS = Labels()


class NativeRequest(Struct, frozen=True):
    """A request as its caller wrote it: a target that speaks the same `wire` gets it untouched.

    `body` has neither `model` nor `stream`, and is blank where the call's own fields say all;
    `headers` go along with it. For targets of other wires stands the call; `lost` names what of the
    request is not in it.
    """

    wire: str
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: tuple[str, ...] = ()


class SharedPrefix(Struct, frozen=True):
    """What many calls begin with alike: their system messages, and the schema.

    Tokens are estimates. `key` names it, the same for all of them, for providers that take a hint.
    """

    key: str
    system_tokens: int
    schema_tokens: int = 0


class Call(Struct, frozen=True):
    """What a caller asks for. `node` is a node, an interaction type or a model reference.

    `given` holds the caller's own values (model, temperature, max_tokens), the most specific
    layer of the resolution. `schema` asks for JSON that obeys it. `extra` is sent as it is
    (tools, tool_choice, stop, seed…). `experiment_key` keeps what it names (a row, a
    conversation) in one arm of a running experiment; blank takes part in none. `logprobs` asks how
    likely each token was, of models that can tell. `native` is the same request in a vendor's
    words, for targets of that vendor's wire. `prefix` is what its like begin with as well:
    a provider is told to cache it where it is long enough. `choices` answers are asked in one
    request: a target may give fewer.
    """

    node: str
    messages: Sequence[Message]
    schema: Mapping[str, Any] | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    user_id: UserKey | None = None
    correlation_id: UUID | None = None
    labels: Labels = NO_LABELS
    use_cache: bool = True
    experiment_key: str = ""
    deadline_s: float | None = None  # the caller's own, if it is sooner than LLM_DEADLINE_SECONDS
    cache_sampled: bool = True  # whether the cache may answer at a temperature other than 0
    waits: bool = True  # for targets that cool down; else it fails at once if there are no others
    logprobs: bool = False
    native: NativeRequest | None = None
    trace: Mapping[str, str] = field(default_factory=dict)  # W3C's `traceparent`, `tracestate`
    prefix: SharedPrefix | None = None
    choices: int = 1
    cascades: bool = False  # whether the node's cascade may answer it, if it has one


class Attempt(Struct, frozen=True):
    """One request to a provider.

    `outcome` is `ok` or an error's code (`timeout`, `connection`, `http_429`, `bad_reply`,
    `invalid_answer`, `quota_exhausted`…); `moved_on` says what followed: blank at the end,
    else `retry`, `repair`, `adjust` (asked again without a parameter that was refused), `fallback`
    or `degrade`. `paid` says whether the provider billed it, as far as can be known: it sent usage,
    or a part of an answer. `waited_ms` is what budgets and limits took before it.

    `cost_source` says where `cost_usd` comes from: `reported` by the provider, `priced` by the
    table at `service_tier` (blank: the standard one), `estimated` (it was cut off before the
    provider counted: `estimated_usd` is what budgets counted for it; `usage` and `cost_usd` come
    from the part of the answer that came, and are blank where none did), `unknown` (no usage, or a
    price that it needs is missing), or blank where nothing was billed.

    Some were never sent: `cached` was answered from the cache; `cooling`, `limited`,
    `limits_unknown`, `budget_exceeded`, `budget_soft` and `budget_unknown` say in `detail` why not.
    """

    provider: str
    model: str
    outcome: str
    latency_ms: float
    status: int | None = None
    moved_on: str = ""
    retry_after_s: float | None = None
    usage: Usage = NO_USAGE
    cost_usd: Decimal | None = None
    paid: bool = False
    detail: str = ""  # the provider's own words, cleaned of keys, at most 300 characters
    request_id: str = ""
    waited_ms: float = 0.0
    batch_price: bool = False  # a provider's own batch answered it, at its price for them
    cost_source: str = ""
    estimated_usd: Decimal | None = None
    service_tier: str = ""


class CallRecord(Struct, frozen=True):
    """A finished generation, whether it succeeded or not. Times in UTC, money in US dollars.

    `cost_usd` is the sum over paid attempts, None when any of them has no known price. `id` is the
    record's own, in the order of time: a write that is tried again makes no second row.
    """

    created_at: dt.datetime
    correlation_id: UUID
    node: str
    interaction_type: str
    labels: Labels
    user_id: UserKey | None
    provider: str
    model: str
    tier: str
    usage: Usage
    cost_usd: Decimal | None
    latency_ms: float
    finish_reason: str | None
    truncated: bool
    prompt_length: int
    response_length: int
    error_code: str
    attempts: tuple[Attempt, ...]
    dropped_params: tuple[str, ...]
    config_revision: int
    experiment: str = ""
    experiment_arm: str = ""
    cache_hit: bool = False
    saved_usd: Decimal | None = None  # what the answer from the cache had cost, if that is known
    tool_calls: tuple[str, ...] = ()  # the functions that the answer calls, in its order
    tool_results_length: int = 0  # characters of the results since the last answer
    id: UUID = field(default_factory=new_id)


class BudgetShortage(Struct, frozen=True):
    """What a budget has to have left for a call: its id, and US dollars."""

    budget_id: int
    needs_usd: Decimal


class Thought(Struct, frozen=True):
    """Something that a model thought before it answered, or a piece of it; never the answer.

    `kind` is `text`, `summary` (of thoughts that the provider keeps to itself) or `encrypted`
    (`data`, which only the provider can read). `signature`, `id` and `format` are the provider's
    own: it wants them back with the thought. Pieces of one `index` and kind make one thought.
    """

    text: str = ""
    signature: str = ""
    data: str = ""
    kind: str = "text"
    index: int = 0
    id: str = ""
    format: str = ""


class Delta(Struct, frozen=True):
    """A piece of an answer on its way: text, or parts of tool calls in OpenAI's words.

    A part of a tool call has `index`, the first one of a call also `id` and the function's `name`;
    the `arguments` of all parts of one index make the whole. `refusal` is a piece of what the model
    says instead of an answer. `native` holds the provider's own events (Anthropic's wire) or the
    fields of its chunk that have no place here (OpenAI's), where the call has a native request.
    `logprobs` are OpenAI's rows of tokens with their log probabilities. `choice` counts the answers
    of a call for several, from 0.
    """

    text: str = ""
    tool_calls: tuple[dict[str, Any], ...] = ()
    thoughts: tuple[Thought, ...] = ()
    refusal: str = ""
    native: tuple[dict[str, Any], ...] = ()
    is_cached: bool = False
    logprobs: tuple[dict[str, Any], ...] = ()
    choice: int = 0

    @property
    def is_text_alone(self) -> bool:
        """Whether it holds nothing beside its text."""
        return not (
            self.tool_calls or self.thoughts or self.refusal or self.native or self.logprobs
        )


class Cascaded(Struct, frozen=True):
    """How a cascade answered a single call, whose record is of the call that gave the answer.

    `way`: `kept` (the cheap model's answer), `own` (the node's own model's, as the cheap one wasn't
    good enough), `audited` (the own model's, to see whether the cheap one was right), or `rests`
    (the cheap model wasn't asked: `why`). `score` from 0 to 1 is the cheap answer's, None where
    there is none, and `beside_usd` what the other call cost, None where that is unknown.
    """

    way: str
    model: str = ""  # the cheap one's reference
    score: float | None = None
    why: str = ""
    beside_usd: Decimal | None = Decimal(0)


class Generation(Struct, frozen=True):
    """An answer with its record. `parsed` is the JSON value when a schema was asked.

    `tokens` is blank unless it was asked for and the model told. `refusal` is what the model said
    when it wouldn't answer, `native_finish_reason` the provider's own word for the end (the
    record's is OpenAI's, where it has one), `stop_sequence` the one that ended it, if one did.
    `native` is what the reply holds in its wire's own words (`Wire.own_words`) where the call has a
    native request of that wire, None for streams and answers from the cache. `logprobs` are
    OpenAI's rows of tokens, as the provider gave them. `others` are further answers of the same
    request, with the same record. `cascade` tells what a cascade did, where the node has one.
    """

    text: str
    parsed: Any
    record: CallRecord
    tool_calls: tuple[dict[str, Any], ...] = ()
    tokens: Tokens = ()
    thoughts: tuple[Thought, ...] = ()
    refusal: str = ""
    native_finish_reason: str | None = None
    stop_sequence: str | None = None
    native: dict[str, Any] | None = None
    kept_usage: Usage | None = None  # what an answer from the cache took when it was made
    logprobs: tuple[dict[str, Any], ...] = ()
    others: tuple["Generation", ...] = ()
    cascade: Cascaded | None = None
