"""What `POST /_control` sets: how the simulated provider behaves when nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from project.embedded.simulator.batch_faults import KNOWN as BATCH_FAULTS
from project.embedded.simulator.errors import BadControl
from project.embedded.simulator.wire import JsonObject


@dataclass(frozen=True, slots=True)
class OutputLength:
    """Lognormal lengths of answers, in tokens: half are shorter than the median."""

    median: float
    sigma: float = 0.0


@dataclass(frozen=True, slots=True)
class Price:
    """A model's price, in US dollars per million tokens."""

    input: Decimal
    output: Decimal
    cached: Decimal


@dataclass(frozen=True, slots=True)
class Errs:
    """A model that says something else than the others in a share of the prompts.

    Its token probabilities tell which ones: the more `telling`, the surer; 0 tells nothing.
    """

    share: float
    telling: float = 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """One entry of the model lists; dates are ISO days such as 2027-01-31."""

    id: str
    context_window: int = 128_000
    max_output_tokens: int = 16_384
    created_at: str = "2026-01-15"
    deprecated_at: str | None = None
    retires_at: str | None = None
    retired: bool = False


MODELS = (
    Model("gpt-4o-mini"),
    Model("gpt-4.1-mini", context_window=1_047_576, retires_at="2027-04-14"),
    Model("text-embedding-3-small", context_window=8_191, max_output_tokens=0),
    Model("claude-haiku-4-5", context_window=200_000, max_output_tokens=64_000),
    Model("claude-sonnet-4-5", context_window=200_000, max_output_tokens=64_000),
)


@dataclass(frozen=True, slots=True)
class Controls:
    """Every field can be set by name through `POST /_control`; None lifts a limit."""

    latency_ms: float = 0.0
    latency_spread: float = 0.0
    slots: int | None = None
    cached_tokens: int = 0
    cache_creation_tokens: int = 0
    prompt_cache: bool = False  # these two by the vendors' rules, from what was asked before
    reasoning_tokens: int = 0
    output_tokens: OutputLength | None = None
    usage_cost: float | None = None
    token_probability: float | None = None
    left_out: float = 0.15  # of an answer's words at most; two models don't say the same then
    marked: bool = True  # whether a plain answer ends with what ties it to its question
    batch_ms: float = 1_000.0
    batch_expire_at: float | None = None
    batch_faults: tuple[str, ...] = ()
    batch_queue: int | None = None  # batches in work at once; more find the queue full
    max_concurrency: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    unknown_models: tuple[str, ...] = ()
    models: tuple[Model, ...] = MODELS
    prices: tuple[tuple[str, Price], ...] = ()
    errs: tuple[tuple[str, Errs], ...] = ()

    def errs_of(self, name: str) -> Errs | None:
        """How the model of this id errs; None where nothing was set."""
        return next((errs for model, errs in self.errs if model == name), None)

    def model(self, name: str) -> Model | None:
        """The listed model of this id."""
        return next((model for model in self.models if model.id == name), None)

    def knows(self, name: str) -> bool:
        """False for ids set as unknown and for retired models; any other id is served."""
        if name in self.unknown_models:
            return False
        model = self.model(name)
        return model is None or not model.retired

    def as_json(self) -> JsonObject:
        """The present values in the form that `adjusted` takes."""
        values = asdict(self)
        values["prices"] = {
            name: {kind: str(amount) for kind, amount in asdict(price).items()}
            for name, price in self.prices
        }
        values["errs"] = {name: asdict(errs) for name, errs in self.errs}
        return values


def adjusted(controls: Controls, changes: JsonObject) -> Controls:
    """The controls with these fields changed; BadControl names the first bad one."""
    unknown = sorted(set(changes) - set(_READERS))
    if unknown:
        raise BadControl(f"unknown control {unknown[0]!r}; known: {', '.join(_READERS)}")
    values: JsonObject = {}
    for name, value in changes.items():
        try:
            values[name] = _READERS[name](value)
        except (TypeError, ValueError, KeyError, AttributeError, InvalidOperation) as error:
            raise BadControl(f"control {name!r} cannot be {value!r}: {error}") from None
    return replace(controls, **values)


def amount(value: Any) -> float:
    """A finite number of at least 0."""
    number = float(value)
    if isinstance(value, bool) or not 0 <= number < 1e12:
        raise ValueError("a number of at least 0 is needed")
    return number


def whole(value: Any) -> int:
    """A whole number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a whole number of at least 0 is needed")
    return value


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _length(value: JsonObject) -> OutputLength:
    length = OutputLength(**{name: amount(number) for name, number in value.items()})
    if length.median < 1:
        raise ValueError("the median must be at least 1 token")
    return length


def _share(value: Any) -> float:
    share = amount(value)
    if share > 1:
        raise ValueError("a share between 0 and 1 is needed")
    return share


def _names(value: list[str]) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError("a list of model ids is needed")
    return tuple(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("it is true or false")
    return value


def _batch_faults(value: list[str]) -> tuple[str, ...]:
    found = _names(value)
    unknown = sorted(set(found) - set(BATCH_FAULTS))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(BATCH_FAULTS)}")
    return found


def _models(value: list[JsonObject]) -> tuple[Model, ...]:
    models = tuple(Model(**entry) for entry in value)
    if not all(isinstance(model.id, str) for model in models):
        raise ValueError("each model needs a text as its id")
    return models


def _prices(value: dict[str, JsonObject]) -> tuple[tuple[str, Price], ...]:
    return tuple((name, _price(entry)) for name, entry in value.items())


def _price(entry: JsonObject) -> Price:
    amounts = {name: Decimal(str(value)) for name, value in entry.items()}
    amounts.setdefault("cached", amounts["input"])
    return Price(**amounts)


def _errs(value: dict[str, JsonObject]) -> tuple[tuple[str, Errs], ...]:
    return tuple(
        (name, Errs(_share(entry["share"]), amount(entry.get("telling", 0.0))))
        for name, entry in value.items()
    )


_READERS: dict[str, Callable[[Any], Any]] = {
    "latency_ms": amount,
    "latency_spread": amount,
    "slots": _optional(whole),
    "cached_tokens": whole,
    "cache_creation_tokens": whole,
    "prompt_cache": _flag,
    "reasoning_tokens": whole,
    "output_tokens": _optional(_length),
    "usage_cost": _optional(amount),
    "token_probability": _optional(_share),
    "left_out": _share,
    "marked": _flag,
    "batch_ms": amount,
    "batch_expire_at": _optional(_share),
    "batch_faults": _batch_faults,
    "batch_queue": _optional(whole),
    "max_concurrency": _optional(whole),
    "rpm": _optional(whole),
    "tpm": _optional(whole),
    "unknown_models": _names,
    "models": _models,
    "prices": _prices,
    "errs": _errs,
}
