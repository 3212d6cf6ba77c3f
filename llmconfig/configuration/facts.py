"""The configuration's rows as plain frozen values, which a call needs and no query brings."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from msgspec import Struct

from llmconfig.configuration.pricing import PriceFacts

# A user's primary key, as the project's AUTH_USER_MODEL has it.
UserKey = int | str | UUID


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """A provider as the client needs it; the key stays encrypted until it is sent."""

    name: str
    provider_type: str
    base_url: str
    api_key: str = field(repr=False)  # ciphertext
    key_place: str
    secret_ref: str
    api_version: str
    timeout_seconds: float
    priority: int
    weight: int
    is_enabled: bool
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    max_concurrency: int | None = None
    hold_seconds: float = 0.0


class ModelFacts(Struct, frozen=True):
    """One active model of a catalogue. `prices` are the ones in force, newest first."""

    provider: str
    model_id: str
    kind: str
    tier: str
    context_window: int | None
    max_output_tokens: int | None
    supports_streaming: bool
    supports_temperature: bool
    supports_json_schema: bool
    supports_tools: bool
    prices: tuple[PriceFacts, ...]
    retires_at: dt.datetime | None = None
    supports_logprobs: bool = False


class Choice(Struct, frozen=True):
    """What one layer says; None and blank mean that it says nothing."""

    model: str = ""
    provider: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    fallbacks: tuple[str, ...] = ()


class JudgeFacts(Struct, frozen=True):
    """Who judges a node's answers, and by which words; a blank model is the interaction type's."""

    rubric: str
    model: str = ""


class CascadeFacts(Struct, frozen=True):
    """A node's cascade: the cheap model's reference, its score, and what is promised.

    `target` of a batch's rows (0 to 1) agree with the node's own model, missed by a share `miss` of
    batches; at most `audits` of the good cheap answers are audited.
    """

    model: str
    score: str
    target: float = 0.95
    miss: float = 0.05
    audits: float = 0.3


class NodeFacts(Struct, frozen=True):
    """A node: its own choice, its Azure values, and whether its calls are traced.

    `cascade` is for batches of rows; None where there is no cheaper model. `apply_after` is one of
    `ApplyAfter`'s values; blank: as the enrichment that calls the node says.
    """

    name: str
    interaction_type: str
    choice: Choice
    azure: Choice
    tracing: bool
    cascade: CascadeFacts | None = None
    judge: JudgeFacts | None = None
    apply_after: str = ""


class ArmFacts(Struct, frozen=True):
    """One arm of an experiment; `weight` is its share of the keys."""

    id: str
    name: str
    weight: int
    choice: Choice


class ExperimentFacts(Struct, frozen=True):
    """A node's running experiment. In a shadow the control answers, whichever arm has the key."""

    id: str
    name: str
    arms: tuple[ArmFacts, ...]
    shadow: bool = False

    @property
    def control(self) -> ArmFacts | None:
        return next((arm for arm in self.arms if arm.choice == Choice()), None)


class Degradation(Struct, frozen=True):
    """An interaction type's cheaper reference, and how long a call waits before it takes it."""

    reference: str
    after_seconds: float | None


class BudgetFacts(Struct, frozen=True):
    """An enabled budget; the ledger knows what it has left."""

    id: int
    name: str
    scope: str
    scope_value: str
    period: str
    soft_limit_usd: Decimal | None
    hard_limit_usd: Decimal | None
    allow_unpriced: bool
