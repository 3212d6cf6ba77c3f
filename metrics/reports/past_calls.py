"""Past calls of the last 30 days, and what they would cost at a target."""

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet
from django.db.models.fields.json import KT
from django.utils import timezone
from msgspec import Struct

from llmconfig.client.types import Usage
from llmconfig.configuration import prices
from llmconfig.configuration.resolution import Target, explain
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import ConfigurationError
from metrics.models import GenerationMetric
from metrics.query_sources import OVERVIEW

DAYS = 30
IN_BATCHES = "enrichment"  # the service of a row's calls
# Services that ask a node's own model whatever its cascade, or go their own ways.
OF_TRIALS = frozenset({"evaluation", "judge", "playground", "shadow"})
SAMPLED_CALLS = 2_000  # of each node, the newest
# What a cascade did, as its calls' records tell it (llmconfig.client.pipeline.cascades).
WENT_THROUGH = frozenset({"kept", "own", "audited"})


_CALLED = f"""
SELECT method_name, sum(calls - cache_hits) FROM {OVERVIEW}
WHERE period_start >= %s AND error_code = '' GROUP BY 1 HAVING sum(calls - cache_hits) > 0
ORDER BY 1
"""  # noqa: S608 - a view's name


class PastCall(Struct, frozen=True):
    """The tokens of a past call, and what made them."""

    usage: Usage
    model: str
    at: dt.datetime
    service: str = ""
    way: str = ""  # what a single call's cascade did; blank where none was asked
    is_beside: bool = False  # made for a single call's cascade beside the answer
    has_tools: bool = False

    @property
    def is_single(self) -> bool:
        """Whether a cascade of single calls may answer its like, as far as its record tells."""
        if self.way:
            return True
        return not (self.has_tools or self.service == IN_BATCHES or self.service in OF_TRIALS)


class Priced(Struct, frozen=True):
    """What a sample of calls costs at one model: a call's prompt, and its answer."""

    prompts: Sequence[float]
    answers: Sequence[float]


def _calls() -> "QuerySet[GenerationMetric]":
    since = timezone.now() - dt.timedelta(days=DAYS)
    return GenerationMetric.objects.filter(created_at__gte=since, error_code="", cache_hit=False)


def called() -> list[tuple[str, int]]:
    """The nodes that were called, and how often, by whole days of UTC."""
    today = timezone.now().astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(_CALLED, [today - dt.timedelta(days=DAYS)])
        return [(str(node), int(number)) for node, number in cursor.fetchall()]


def sample(node: str) -> Iterator[PastCall]:
    """A node's newest calls, at most SAMPLED_CALLS of them."""
    columns = (
        "tokens_input", "tokens_cached_input", "tokens_cache_write", "tokens_output",
        "tokens_reasoning", "model_used", "created_at", "service_name", "tool_calls",
        "tool_results_length", KT("metadata__cascade"), KT("metadata__cascade_for"),
    )  # fmt: skip
    rows = _calls().filter(method_name=node).order_by("-created_at").values_list(*columns)
    for (
        prompt, cached, written, answer, reasoning, model, at, service, tools, results, way, beside,
    ) in rows[:SAMPLED_CALLS]:  # fmt: skip
        usage = Usage(
            input=max(0, prompt - cached - written),
            cached_input=cached,
            cache_write=written,
            output=max(0, answer - reasoning),
            reasoning=reasoning,
        )
        yield PastCall(
            usage, model, at, service, way or "", beside is not None, bool(tools or results)
        )


def first_target(node: str, state: Snapshot, model: str = "") -> Target | None:
    """Who would answer there first, by a reference if there is one; None where nobody would.

    Also while calls are switched off, as where a file is only checked.
    """
    given = {"model": model} if model else {}
    try:
        targets = explain(node, snapshot=state, given=given).targets
    except ConfigurationError:
        return None
    return targets[0] if targets else None


def price_of(target: Target) -> prices.PriceFacts | None:
    """What a target's model costs now, if that is known."""
    model = target.candidate.model
    return prices.price_at(model.prices, timezone.now()) if model is not None else None


def name_of(target: Target | None) -> str:
    """Its provider and model, for people; blank for nobody."""
    return "" if target is None else f"{target.provider.name}/{target.model_id}"


def priced(calls: Sequence[PastCall], target: Target | None) -> Priced | None:
    """What the calls cost at a target; None where a price is unknown. Nobody costs nothing."""
    if target is None:
        return Priced([0.0] * len(calls), [0.0] * len(calls))
    price = price_of(target)
    prompts, answers = [], []
    for call in calls:
        limit = target.max_tokens or call.usage.tokens_output
        spoken = min(call.usage.tokens_output, limit)
        whole = prices.cost(_with_answer(call.usage, spoken), price, moment=call.at)
        prompt = prices.cost(_with_answer(call.usage, 0), price, moment=call.at)
        if whole is None or prompt is None:
            return None
        prompts.append(float(prompt))
        answers.append(float(max(Decimal(0), whole - prompt)))
    return Priced(prompts, answers)


def total(calls: Sequence[PastCall], target: Target | None) -> float | None:
    """The calls' prompts and answers in one sum, US dollars; None as above."""
    found = priced(calls, target)
    return None if found is None else sum(found.prompts) + sum(found.answers)


def _with_answer(usage: Usage, tokens: int) -> Usage:
    return Usage(
        input=usage.input,
        cached_input=usage.cached_input,
        cache_write=usage.cache_write,
        output=tokens,
    )
