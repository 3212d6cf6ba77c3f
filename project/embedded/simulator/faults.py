"""What goes wrong on purpose: the plan of `POST /_plan` and the header `x-sim-fault`.

A plan is a list of rules, tried in order, and optionally a share of random faults after them. The
first rule that fires decides. docs/simulator.md shows both by example.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from hashlib import sha1
from typing import Any, Literal

from project.embedded.simulator.controls import amount, whole
from project.embedded.simulator.errors import BadControl
from project.embedded.simulator.wire import WHOLE, Delivery, JsonObject

CONTENT_GARBAGE = ("truncated_content", "not_json", "nul", "surrogate")
BODY_GARBAGE = ("truncated_body", "wrong_types", "no_choices", "nan", "negative_usage", "deep")
UNPAID_GARBAGE = ("html", "empty")
GARBAGE = (*CONTENT_GARBAGE, *BODY_GARBAGE, *UNPAID_GARBAGE)
# What a plain "garbage" of the random faults draws from: all that a retry should get over.
COMMON_GARBAGE = ("truncated_content", "truncated_body", "html", "empty", "no_choices")


@dataclass(frozen=True, slots=True)
class FaultAction:
    """One fault. Fields combine: a delay with a status, a drip with garbage."""

    status: int | None = None
    retry_after: str | None = None
    code: str | None = None
    message: str | None = None
    location: str | None = None
    body: Literal["vendor", "html", "empty"] = "vendor"
    delay_ms: float = 0.0
    drip: Delivery | None = None
    cut: float | None = None
    garbage: str | None = None
    disconnect: bool = False
    echo_key: bool = False
    huge_mb: int = 0
    gzip_bomb_mb: int = 0

    @property
    def name(self) -> str:
        """What the statistics count it as."""
        if self.garbage:
            return f"garbage:{self.garbage}"
        if self.status:
            return str(self.status)
        words = ("disconnect", "echo_key", "cut", "drip", "huge_mb", "gzip_bomb_mb")
        return next(
            (word for word in words if getattr(self, word) not in (None, False, 0)), "delay"
        )

    @property
    def delivery(self) -> Delivery:
        if self.drip is None and self.cut is None and not self.disconnect:
            return WHOLE
        drip = self.drip or WHOLE
        return Delivery(drip.drip_bytes, drip.drip_s, self.cut, self.disconnect)

    @property
    def refuses(self) -> bool:
        """No answer is produced, so nothing is paid."""
        refused = self.status is not None or self.echo_key or self.disconnect
        return refused or self.garbage in UNPAID_GARBAGE


@dataclass(frozen=True, slots=True)
class Subject:
    """What a rule looks at; the texts of a call are empty for other requests."""

    path: str
    model: str = ""
    text: str = ""
    key: str = ""
    attempt: int = 1
    generates: bool = False


@dataclass(slots=True)
class FaultRule:
    """When to act: every condition given must hold. Counts are per plan, or per prompt key."""

    action: FaultAction
    model: str = "*"
    path: str | None = None
    text: str = ""
    key: str = "*"
    every: int = 1
    first: int | None = None
    times: int | None = None
    probability: float = 1.0
    per: Literal["plan", "key"] = "plan"
    _seen: Counter[str] = field(default_factory=Counter)
    _fired: Counter[str] = field(default_factory=Counter)

    def fires(self, subject: Subject, rng: random.Random) -> bool:
        """Whether it acts on this subject; counts that it has seen it."""
        if not self._concerns(subject):
            return False
        scope = subject.key if self.per == "key" else ""
        self._seen[scope] += 1
        seen = self._seen[scope]
        if self.first is not None and seen > self.first:
            return False
        if seen % self.every or (self.times is not None and self._fired[scope] >= self.times):
            return False
        if self.probability < 1 and rng.random() >= self.probability:
            return False
        self._fired[scope] += 1
        return True

    def _concerns(self, subject: Subject) -> bool:
        """A rule without a path concerns what a model answers, not lists, files or batches."""
        if self.path is None:
            if not subject.generates:
                return False
        elif not fnmatchcase(subject.path, self.path):
            return False
        return (
            self.text in subject.text
            and (self.model == "*" or fnmatchcase(subject.model, self.model))
            and (self.key == "*" or fnmatchcase(subject.key, self.key))
        )


@dataclass(slots=True)
class RandomFaults:
    """A share of all calls fails; `attempts` bounds how often one prompt can."""

    share: float
    actions: list[FaultAction]
    by: Literal["chance", "attempt"] = "chance"
    attempts: int | None = None
    seed: int = 0

    def draw(self, subject: Subject, rng: random.Random) -> FaultAction | None:
        """The fault of this call. By attempt, it follows from seed, prompt and attempt alone."""
        if not subject.generates or (self.attempts and subject.attempt > self.attempts):
            return None
        if self.by == "attempt":
            mark = f"{self.seed}|{subject.key}|{subject.attempt}".encode("utf-8", "replace")
            drawn = sha1(mark, usedforsecurity=False).digest()
            share, pick = (
                int.from_bytes(drawn[:4], "big") / 2**32,
                int.from_bytes(drawn[4:8], "big"),
            )
        else:
            share, pick = rng.random(), rng.getrandbits(32)
        return self.actions[pick % len(self.actions)] if share < self.share else None


@dataclass(slots=True)
class Plan:
    """The rules in force, with their own source of chance."""

    rules: list[FaultRule] = field(default_factory=list)
    faults: RandomFaults | None = None
    rng: random.Random = field(default_factory=random.Random)

    def action(self, subject: Subject) -> FaultAction | None:
        """What goes wrong with this request, None if nothing does."""
        for rule in self.rules:
            if rule.fires(subject, self.rng):
                return rule.action
        return self.faults.draw(subject, self.rng) if self.faults else None


def read_plan(body: JsonObject, default_seed: int) -> Plan:
    """The plan in this JSON; BadControl names what is not understood."""
    known = {"rules", "seed", "faults_per_1000", "kinds", "by", "attempts", "retry_after"}
    _refuse_unknown("plan", body, known)
    seed = _read("plan.seed", whole, body.get("seed", default_seed))
    rules = body.get("rules", [])
    if not isinstance(rules, list):
        raise BadControl("plan.rules must be a list")
    return Plan(
        rules=[_read_rule(rule, f"rules[{number}]") for number, rule in enumerate(rules)],
        faults=_read_faults(body, seed) if "faults_per_1000" in body else None,
        rng=random.Random(seed),  # noqa: S311 - repeatable on purpose
    )


def read_action(body: object, where: str) -> FaultAction:
    """The action in this JSON; BadControl names what is not understood."""
    if not isinstance(body, dict):
        raise BadControl(f"{where} must be an object such as {{'status': 500}}")
    _refuse_unknown(where, body, {entry.name for entry in fields(FaultAction)})
    values: JsonObject = {}
    for name, value in body.items():
        values[name] = _read(f"{where}.{name}", _ACTION_READERS[name], value)
    return FaultAction(**values)


def _read_rule(body: object, where: str) -> FaultRule:
    if not isinstance(body, dict):
        raise BadControl(f"{where} must be an object with an action")
    known = {*_RULE_READERS, "action"}
    _refuse_unknown(where, body, known)
    values: JsonObject = {
        name: _read(f"{where}.{name}", _RULE_READERS[name], value)
        for name, value in body.items()
        if name != "action"
    }
    return FaultRule(action=read_action(body.get("action"), f"{where}.action"), **values)


def _read_faults(body: JsonObject, seed: int) -> RandomFaults:
    kinds = body.get("kinds", ["429", "500", "disconnect", "cut", "garbage"])
    if not isinstance(kinds, list) or not kinds:
        raise BadControl("plan.kinds must be a list such as ['429', 'disconnect']")
    retry_after = str(body.get("retry_after", "0.1"))
    attempts = body.get("attempts")
    actions: list[list[FaultAction]] = [_kind(str(kind), retry_after) for kind in kinds]
    # Each kind has the same weight, however many variants it has.
    widest = max(len(variants) for variants in actions)
    return RandomFaults(
        share=_read("plan.faults_per_1000", amount, body["faults_per_1000"]) / 1000,
        actions=[row[turn % len(row)] for turn in range(widest) for row in actions],
        by=_read("plan.by", _one_of("chance", "attempt"), body.get("by", "chance")),
        attempts=None if attempts is None else _read("plan.attempts", whole, attempts),
        seed=seed,
    )


def _kind(kind: str, retry_after: str) -> list[FaultAction]:
    if kind.isdigit() and 400 <= int(kind) <= 599:
        return [FaultAction(status=int(kind), retry_after=retry_after if kind == "429" else None)]
    if kind == "disconnect":
        return [FaultAction(disconnect=True)]
    if kind == "cut":
        return [FaultAction(cut=0.5)]
    if kind == "garbage":
        return [FaultAction(garbage=name) for name in COMMON_GARBAGE]
    name = kind.removeprefix("garbage:")
    if name in GARBAGE:
        return [FaultAction(garbage=name)]
    known = f"a status, disconnect, cut, garbage, or garbage: and one of {', '.join(GARBAGE)}"
    raise BadControl(f"plan.kinds has the unknown {kind!r}; known: {known}")


def _refuse_unknown(where: str, body: JsonObject, known: Iterable[str]) -> None:
    unknown = sorted(set(body) - set(known))
    if unknown:
        raise BadControl(
            f"{where} has the unknown field {unknown[0]!r}; known: {', '.join(sorted(known))}"
        )


def _read(where: str, reader: Any, value: Any) -> Any:
    try:
        return reader(value)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise BadControl(f"{where} cannot be {value!r}: {error}") from None


def _one_of(*allowed: str) -> Any:
    def read(value: object) -> object:
        if value not in allowed:
            raise ValueError(f"one of {', '.join(allowed)} is needed")
        return value

    return read


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is needed")  # noqa: TRY004 - one error for every bad value
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is needed")  # noqa: TRY004 - one error for every bad value
    return value


def _positive(value: object) -> int:
    number = whole(value)
    if number < 1:
        raise ValueError("a whole number of at least 1 is needed")
    return number


def _share(value: object) -> float:
    share = amount(value)
    if share > 1:
        raise ValueError("a share between 0 and 1 is needed")
    return share


def _status(value: object) -> int:
    status = whole(value)
    if not 300 <= status <= 599:
        raise ValueError("a status between 300 and 599 is needed")
    return status


def _header_text(value: object) -> str:
    text = str(value)
    if not text.isascii() or not text.isprintable():
        raise ValueError("a header value in plain ASCII is needed")
    return text


def _drip(value: JsonObject) -> Delivery:
    return Delivery(_positive(value["bytes"]), amount(value["every_ms"]) / 1000)


def _megabytes(value: object) -> int:
    size = _positive(value)
    if size > 1024:
        raise ValueError("at most 1024 MB can be asked for")
    return size


_ACTION_READERS: dict[str, Any] = {
    "status": _status,
    "retry_after": _header_text,
    "code": _text,
    "message": _text,
    "location": _header_text,
    "body": _one_of("vendor", "html", "empty"),
    "delay_ms": amount,
    "drip": _drip,
    "cut": _share,
    "garbage": _one_of(*GARBAGE),
    "disconnect": _flag,
    "echo_key": _flag,
    "huge_mb": _megabytes,
    "gzip_bomb_mb": _megabytes,
}
_RULE_READERS: dict[str, Any] = {
    "model": _text,
    "path": _text,
    "text": _text,
    "key": _text,
    "every": _positive,
    "first": _positive,
    "times": _positive,
    "probability": _share,
    "per": _one_of("plan", "key"),
}
